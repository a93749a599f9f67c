/** A training file in two: some rows are held out. The same file is always split the same way. Knows no React. */

export type Parts = { train: string; valid: string; nTrain: number; nValid: number }

/** Rows that are spread over the whole file, by a sequence that looks random and is not. */
export function split(text: string, share: number): Parts | null {
  const lines = text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .map((line) => line.replace(/\r$/, ''))
    .filter((line) => line.trim())
  const wanted = Math.max(1, Math.round(lines.length * share))
  if (lines.length < 2 || wanted >= lines.length) return null
  const order = shuffled(lines.length)
  const held = new Set(order.slice(0, wanted))
  const part = (inPart: (index: number) => boolean) =>
    `${lines.filter((_, index) => inPart(index)).join('\n')}\n`
  const [train, valid] = [part((index) => !held.has(index)), part((index) => held.has(index))]
  return { train, valid, nTrain: lines.length - wanted, nValid: wanted }
}

/** Fisher and Yates' shuffle with a linear congruential generator (Numerical Recipes' constants). */
function shuffled(count: number): number[] {
  const order = Array.from({ length: count }, (_, index) => index)
  let state = count >>> 0
  for (let last = count - 1; last > 0; last--) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    const other = Math.floor((state / 2 ** 32) * (last + 1))
    ;[order[last], order[other]] = [order[other] as number, order[last] as number]
  }
  return order
}

/** `rows.jsonl` -> `rows-train.jsonl`. */
export const partName = (name: string, part: 'train' | 'valid'): string => {
  const dot = name.lastIndexOf('.')
  return dot > 0 ? `${name.slice(0, dot)}-${part}${name.slice(dot)}` : `${name}-${part}.jsonl`
}
