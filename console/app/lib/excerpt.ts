/** The line of a file around what is wrong with it. Knows no React. */
import { jsonFault } from './jsonFault'
import { type Span, spanAt } from './jsonSpan'

type Problem = { code: string; path: string | null; message: string }
/** A piece of a line; `isSpot` is what is wrong. An empty spot is where something should stand. */
export type Piece = { text: string; isSpot: boolean }

/** Characters that the server gives of a line, at most. */
export const MOST_CHARS = 4000
const BEFORE = 40
const AFTER = 60
const MOST_MARKED = 120

/** Where in its line a problem is; null where the line as a whole has it, or it is not in what was given of it. */
export function spotOf(line: string, problem: Problem): Span | null {
  // a byte order mark may stand before the first row
  const skipped = line.startsWith('\uFEFF') ? 1 : 0
  const spot = spotIn(line.slice(skipped), problem)
  return spot && { from: spot.from + skipped, to: spot.to + skipped }
}

function spotIn(text: string, { code, path, message }: Problem): Span | null {
  if (path === null) {
    const fault = code === 'invalid_json' ? jsonFault(text) : null
    if (!fault || (fault.atEnd && text.length >= MOST_CHARS)) return null
    return { from: fault.at, to: Math.min(text.length, fault.at + 1) }
  }
  const whole = path === 'the row' ? spanAt(text, '') : spanAt(text, path)
  // a key that should not be there, or stands there twice, is named in the sentence
  const [key] = /"(?:[^"\\]|\\.)+"/.exec(message) ?? []
  const at = whole && key && code === 'extra_key' ? text.indexOf(key, whole.from) : -1
  if (at >= 0 && key) return { from: at, to: at + key.length }
  return path === 'the row' ? null : whole
}

/** All of the text in pieces, with every spot marked; where two overlap they are one. */
export function piecesOf(text: string, spots: readonly (Span | null)[]): Piece[] {
  const sorted = spots.filter((spot) => spot !== null).sort((a, b) => a.from - b.from || a.to - b.to)
  const pieces: Piece[] = []
  let at = 0
  for (const { from, to } of sorted) {
    if (to < at || (from < at && to === at)) continue
    if (from > at) pieces.push({ text: text.slice(at, from), isSpot: false })
    pieces.push({ text: text.slice(Math.max(at, from), to), isSpot: true })
    at = to
  }
  if (at < text.length) pieces.push({ text: text.slice(at), isSpot: false })
  return pieces
}

/** A few words around the spot; the beginning of the line where there is none. */
export function excerptOf(text: string, spot: Span | null): Piece[] {
  const { from, to } = spot ?? { from: 0, to: 0 }
  const marked = spot ? shortened(text.slice(from, to)) : ''
  const start = unbroken(text, from > BEFORE ? from - BEFORE : 0)
  const end = unbroken(text, Math.min(text.length, to + AFTER))
  return [
    { text: `${start > 0 ? '…' : ''}${text.slice(start, from)}`, isSpot: false },
    { text: marked, isSpot: spot !== null },
    { text: `${text.slice(to, end)}${end < text.length ? '…' : ''}`, isSpot: false },
  ].filter((piece) => piece.text || piece.isSpot)
}

function shortened(text: string): string {
  if (text.length <= MOST_MARKED) return text
  const half = MOST_MARKED / 2
  return `${text.slice(0, unbroken(text, half))}…${text.slice(unbroken(text, text.length - half))}`
}

/** The place itself, or the one before it where it would cut a character in two. */
const unbroken = (text: string, at: number): number => (/[\uDC00-\uDFFF]/.test(text[at] ?? '') ? at - 1 : at)
