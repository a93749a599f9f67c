/** Runs of tokens as text: what begins or ends inside a character is joined with its neighbour. Knows no React. */

type Run = {
  text: string | null
  bytes: string | null
  role: string | null
  trained: boolean
  cut: boolean
  n_tokens: number
}
export type ShownRun = { text: string; role: string | null; trained: boolean; cut: boolean; tokens: number }

const decoder = new TextDecoder()

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

/** A torn character goes to the run in which it ends. */
export function shownRuns(runs: readonly Run[]): ShownRun[] {
  const found: ShownRun[] = []
  let carried = new Uint8Array()
  for (const [index, run] of runs.entries()) {
    const { role, trained, cut, n_tokens: tokens } = run
    if (run.text !== null && !carried.length) {
      found.push({ text: run.text, role, trained, cut, tokens })
      continue
    }
    const own = bytesOf(run)
    const all = new Uint8Array(carried.length + own.length)
    all.set(carried)
    all.set(own, carried.length)
    const rest = index + 1 < runs.length ? torn(all) : 0
    carried = all.slice(all.length - rest)
    found.push({ text: decoder.decode(all.subarray(0, all.length - rest)), role, trained, cut, tokens })
  }
  return found
}
