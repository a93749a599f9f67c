/** A row of a training file, as a conversation to read: chat, prompt and completion, or a preference pair. */

export type Turn = {
  role: string
  text: string
  /** Whether training learns it: an assistant's turn whose weight is not 0. */
  trained: boolean
}
export type TrainingRow = {
  line: number
  turns: Turn[]
  /** A preference pair's two replies. */
  preferred: string | null
  rejected: string | null
  /** Written as prompt and completion, shown as a conversation. */
  converted: boolean
}
export type Line = { line: number; row: TrainingRow | null; raw: string }

/** The lines that are whole, each as a row where it is one. */
export function linesOf(text: string, whole: boolean, most = Number.POSITIVE_INFINITY): Line[] {
  const lines = text.replace(/^\uFEFF/, '').split('\n')
  if (!whole) lines.pop()
  const found: Line[] = []
  for (const [index, raw] of lines.entries()) {
    if (!raw.trim()) continue
    if (found.length >= most) break
    found.push({ line: index + 1, row: rowOf(raw, index + 1), raw })
  }
  return found
}

type Loose = Record<string, unknown>

export function rowOf(raw: string, line: number): TrainingRow | null {
  let row: Loose
  try {
    row = JSON.parse(raw) as Loose
  } catch {
    return null
  }
  if (typeof row !== 'object' || row === null) return null
  const empty: TrainingRow = { line, turns: [], preferred: null, rejected: null, converted: false }
  if (Array.isArray(row.messages)) return { ...empty, turns: row.messages.map(turnOf) }
  if ('prompt' in row || 'completion' in row) {
    const turns = [
      { role: 'user', text: textOf(row.prompt), trained: false },
      { role: 'assistant', text: textOf(row.completion), trained: true },
    ]
    return { ...empty, turns, converted: true }
  }
  const input = row.input as Loose | undefined
  if (Array.isArray(input?.messages)) {
    return {
      ...empty,
      turns: input.messages.map((message) => ({ ...turnOf(message), trained: false })),
      preferred: replyOf(row.preferred_output ?? row.preferred_completion),
      rejected: replyOf(row.non_preferred_output ?? row.non_preferred_completion),
    }
  }
  return null
}

function turnOf(message: unknown): Turn {
  const { role, content, weight, tool_calls } = (message ?? {}) as Loose
  const calls = Array.isArray(tool_calls)
    ? tool_calls.map((call) => JSON.stringify((call as Loose)?.function))
    : []
  return {
    role: typeof role === 'string' ? role : '?',
    text: [textOf(content), ...calls].filter(Boolean).join('\n'),
    trained: role === 'assistant' && weight !== 0,
  }
}

function replyOf(output: unknown): string | null {
  return Array.isArray(output) && output.length ? turnOf(output[0]).text : null
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  if (Array.isArray(content)) return content.map((part) => textOf((part as Loose)?.text)).join('')
  return content === undefined || content === null ? '' : JSON.stringify(content)
}
