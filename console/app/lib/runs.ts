/** Runs of tokens as text: what begins or ends inside a character is joined with its neighbour. Knows no React. */

type Run = {
  text: string | null
  bytes: string | null
  role: string | null
  trained: boolean
  cut: boolean
  n_tokens: number
  token_bytes?: number[] | null
}
export type ShownRun = {
  text: string
  role: string | null
  trained: boolean
  cut: boolean
  tokens: number
  /** Its tokens, where their boundaries are known; those that share a character stand together. */
  pieces: string[] | null
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

function bytesOf(run: Run): Uint8Array {
  if (run.text !== null) return new TextEncoder().encode(run.text)
  return Uint8Array.from(atob(run.bytes ?? ''), (character) => character.charCodeAt(0))
}

/** Bytes at the end that begin a character without ending it. */
function torn(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number
    if (byte < 0x80) return 0
    if (byte >= 0xc0) {
      const wanted = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
      return back < wanted ? back : 0
    }
  }
  return 0
}

/** `before`: bytes in front that belong to tokens of the run before. */
function piecesOf(bytes: Uint8Array, sizes: readonly number[], before: number): string[] {
  const pieces: string[] = []
  let from = 0
  let to = before
  for (const size of sizes) {
    to = Math.min(bytes.length, to + size)
    const next = bytes[to]
    if (to === from || (next !== undefined && (next & 0xc0) === 0x80)) continue // within a character
    pieces.push(decoder.decode(bytes.subarray(from, to)))
    from = to
  }
  if (from < bytes.length) pieces.push(decoder.decode(bytes.subarray(from)))
  return pieces
}

/** A torn character goes to the run in which it ends. */
export function shownRuns(runs: readonly Run[]): ShownRun[] {
  const found: ShownRun[] = []
  let carried = new Uint8Array()
  for (const [index, run] of runs.entries()) {
    const { role, trained, cut, n_tokens: tokens, token_bytes: sizes } = run
    if (run.text !== null && !carried.length && !sizes) {
      found.push({ text: run.text, role, trained, cut, tokens, pieces: null })
      continue
    }
    const own = bytesOf(run)
    const all = new Uint8Array(carried.length + own.length)
    all.set(carried)
    all.set(own, carried.length)
    const rest = index + 1 < runs.length ? torn(all) : 0
    const whole = all.subarray(0, all.length - rest)
    const pieces = sizes ? piecesOf(whole, sizes, carried.length) : null
    carried = all.slice(all.length - rest)
    found.push({ text: decoder.decode(whole), role, trained, cut, tokens, pieces })
  }
  return found
}
