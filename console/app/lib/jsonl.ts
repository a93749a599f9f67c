/** A first look at a training file before it travels: its method, its rows, and what is plainly wrong with it. */
import type { Messages } from '@/i18n'

export const LOOK_BYTES = 64 * 1024

export type Look = {
  method: 'supervised' | 'dpo' | null
  /** Whole lines seen; the file may have more. */
  lines: number
  problem: 'unreadable' | 'empty' | 'array' | 'not-json' | 'not-text' | null
  /** Line of the problem, from 1. */
  line: number | null
}

const NOTHING: Look = { method: null, lines: 0, problem: null, line: null }

/** A folder, and a file that has gone since it was chosen, cannot be read. */
export async function firstLook(file: Blob): Promise<Look> {
  try {
    return look(await file.slice(0, LOOK_BYTES).text(), file.size <= LOOK_BYTES)
  } catch {
    return { ...NOTHING, problem: 'unreadable' }
  }
}

/** What the first bytes say. `whole`: they are the whole file, so the last line counts too. */
export function look(text: string, whole: boolean): Look {
  const found: Look = { ...NOTHING }
  if (text.includes('\u0000')) return { ...found, problem: 'not-text', line: 1 }
  const body = text.replace(/^\uFEFF/, '')
  if (!body.trim()) return { ...found, problem: 'empty' }
  if (body.trimStart().startsWith('[')) return { ...found, problem: 'array', line: 1 }
  const lines = body.split('\n')
  if (!whole && lines.length > 1) lines.pop()
  for (const [index, line] of lines.entries()) {
    if (!line.trim()) continue
    let row: unknown
    try {
      row = JSON.parse(line)
    } catch {
      if (!whole && lines.length === 1) break // one long line, cut
      return { ...found, problem: 'not-json', line: index + 1 }
    }
    found.lines += 1
    found.method ??= methodOf(row)
  }
  return found
}

/** What is wrong, in the reader's language. */
export function lookFault({ problem, line }: Look, t: Messages): string | null {
  if (!problem) return null
  const words = t.create.look[problem]
  return typeof words === 'string' ? words : words({ line: line ?? 1 })
}

function methodOf(row: unknown): Look['method'] {
  if (typeof row !== 'object' || row === null) return null
  if ('preferred_output' in row) return 'dpo'
  return 'messages' in row || 'prompt' in row ? 'supervised' : null
}
