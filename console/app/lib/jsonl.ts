/** A first look at a training file before it travels: its method, its rows, and what is plainly wrong with it. */

export const LOOK_BYTES = 64 * 1024

export type Look = {
  method: 'supervised' | 'dpo' | null
  /** Whole lines seen; the file may have more. */
  lines: number
  problem: 'empty' | 'array' | 'not-json' | 'not-text' | null
  /** Line of the problem, from 1. */
  line: number | null
}

/** What the first bytes say. `whole`: they are the whole file, so the last line counts too. */
export function look(text: string, whole: boolean): Look {
  const found: Look = { method: null, lines: 0, problem: null, line: null }
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

function methodOf(row: unknown): Look['method'] {
  if (typeof row !== 'object' || row === null) return null
  if ('preferred_output' in row) return 'dpo'
  return 'messages' in row || 'prompt' in row ? 'supervised' : null
}
