/** Where a value stands in a JSON text, found by its path; the text may be cut off. Knows no React. */

export type Span = { from: number; to: number }

const SPACE = /[ \t\n\r]*/y
const STRING = /"(?:[^"\\]|\\[\s\S]?)*(?:"|$)/y
const SCALAR = /[^\s,:"[\]{}]*/y

/**
 * `messages[2].content` in the text of a row. A part that is not there is told by what it should stand in; null
 * where the text ends before it, or the path is none of this row.
 */
export function spanAt(text: string, path: string): Span | null {
  let at = after(SPACE, text, 0)
  for (const step of stepsOf(path)) {
    const inside = typeof step === 'number' ? itemAt(text, at, step) : memberAt(text, at, step)
    if (inside === 'cut off') return null
    if (inside === 'absent') break
    at = inside
  }
  return at < text.length ? { from: at, to: endOf(text, at) } : null
}

function stepsOf(path: string): (string | number)[] {
  return [...path.matchAll(/\[(\d+)\]|[^.[\]]+/g)].map(([name, index]) =>
    index === undefined ? name : Number(index),
  )
}

type Found = number | 'absent' | 'cut off'

function memberAt(text: string, object: number, key: string): Found {
  if (text[object] !== '{') return 'absent'
  let at = after(SPACE, text, object + 1)
  while (text[at] === '"') {
    const end = after(STRING, text, at)
    const name = text.slice(at, end)
    const colon = after(SPACE, text, end)
    const value = after(SPACE, text, colon + 1)
    if (value >= text.length) return 'cut off'
    if (name === JSON.stringify(key)) return value
    at = next(text, value)
  }
  return at >= text.length ? 'cut off' : 'absent'
}

function itemAt(text: string, list: number, index: number): Found {
  if (text[list] !== '[') return 'absent'
  let at = after(SPACE, text, list + 1)
  for (let n = 0; at < text.length && text[at] !== ']'; n++) {
    if (n === index) return at
    const following = next(text, at)
    if (following === at) return 'absent' // no JSON
    at = following
  }
  return at >= text.length ? 'cut off' : 'absent'
}

/** Where the value behind this one begins, or what holds both ends. */
function next(text: string, value: number): number {
  const at = after(SPACE, text, endOf(text, value))
  return text[at] === ',' ? after(SPACE, text, at + 1) : at
}

function endOf(text: string, value: number): number {
  if (text[value] === '"') return after(STRING, text, value)
  if (text[value] !== '{' && text[value] !== '[') return after(SCALAR, text, value)
  let depth = 0
  let at = value
  while (at < text.length) {
    const letter = text[at]
    if (letter === '"') {
      at = after(STRING, text, at)
      continue
    }
    at++
    if (letter === '{' || letter === '[') depth++
    else if (letter === '}' || letter === ']') depth--
    if (depth === 0) return at
  }
  return at
}

function after(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  pattern.exec(text)
  return Math.max(at, pattern.lastIndex)
}
