/** Rows of prompt and completion as conversations, line by line, so that a file never has to be held whole. Knows no React. */

export class NotConvertible extends Error {
  constructor(readonly line: number) {
    super(`line ${line} has no prompt and completion`)
    this.name = 'NotConvertible'
  }
}

/** `{"prompt", "completion"}` as `{"messages"}`, the way a chat model is trained on it; null for another line. */
export function asMessages(line: string): string | null {
  let row: unknown
  try {
    row = JSON.parse(line)
  } catch {
    return null
  }
  const { prompt, completion } = (row ?? {}) as { prompt?: unknown; completion?: unknown }
  if (typeof prompt !== 'string' || typeof completion !== 'string') return null
  return JSON.stringify({
    messages: [
      { role: 'user', content: prompt },
      { role: 'assistant', content: completion },
    ],
  })
}

/** Takes a file's text in pieces of any size and gives the converted text in pieces; blank lines are dropped. */
export class Converter {
  #rest = ''
  #line = 0
  rows = 0

  add(piece: string): string {
    if (!piece.includes('\n')) {
      this.#rest += piece // a long line is looked at once, when it has ended
      return ''
    }
    const lines = (this.#rest + piece).split('\n')
    this.#rest = lines.pop() ?? ''
    return lines.map((line) => this.#convert(line)).join('')
  }

  /** The last line, which may lack its end. */
  end(): string {
    const last = this.#rest
    this.#rest = ''
    return this.#convert(last)
  }

  #convert(line: string): string {
    this.#line += 1
    const text = this.#line === 1 ? line.replace(/^\uFEFF/, '') : line
    if (!text.trim()) return ''
    const converted = asMessages(text)
    if (converted === null) throw new NotConvertible(this.#line)
    this.rows += 1
    return `${converted}\n`
  }
}

/** `rows.jsonl` -> `rows-messages.jsonl`. */
export const convertedName = (name: string): string => {
  const dot = name.lastIndexOf('.')
  return dot > 0 ? `${name.slice(0, dot)}-messages${name.slice(dot)}` : `${name}-messages.jsonl`
}
