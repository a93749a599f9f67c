/** Where texts part, word by word. Knows no React. */

/** A stretch of a text: what all the others have in the same order, or what parts from them. */
export type Stretch = { text: string; same: boolean }

/** Words with the digits in them, each sign of a script without spaces, each mark, and the space between them. */
const WORDS =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]\p{M}*|[\p{L}\p{N}\p{M}_]+?(?=[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}])|[\p{L}\p{N}\p{M}_]+(?:['’]\p{L}+)*|\s+|./gsu

export const words = (text: string): string[] => text.match(WORDS) ?? []

/** Beyond so many changes two texts have little in common: what lies between their like ends counts as all other. */
const MOST_CHANGES = 1_500

/** For each word of either text whether the other has it too, in the same order, as often as possible. */
export function shared(a: readonly string[], b: readonly string[]): [boolean[], boolean[]] {
  const inA = new Array<boolean>(a.length).fill(false)
  const inB = new Array<boolean>(b.length).fill(false)
  let start = 0
  while (start < a.length && start < b.length && a[start] === b[start]) {
    inA[start] = inB[start] = true
    start++
  }
  let endA = a.length
  let endB = b.length
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) {
    inA[--endA] = inB[--endB] = true
  }
  for (const [x, y] of matches(a.slice(start, endA), b.slice(start, endB))) {
    inA[start + x] = inB[start + y] = true
  }
  return [inA, inB]
}

/** Myers' greedy search (Algorithmica 1, 1986): the longest common subsequence, as pairs of places. */
function matches(a: readonly string[], b: readonly string[]): [number, number][] {
  const most = Math.min(a.length + b.length, MOST_CHANGES)
  if (!a.length || !b.length) return []
  const middle = most + 1
  const furthest = new Int32Array(2 * most + 3)
  const trace: Int32Array[] = []
  for (let changes = 0; changes <= most; changes++) {
    trace.push(furthest.slice(middle - changes - 1, middle + changes + 2))
    for (let k = -changes; k <= changes; k += 2) {
      const left = furthest[middle + k - 1] as number
      const right = furthest[middle + k + 1] as number
      let x = k === -changes || (k !== changes && left < right) ? right : left + 1
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++
      furthest[middle + k] = x
      if (x >= a.length && x - k >= b.length) return back(trace, a.length, b.length)
    }
  }
  return []
}

/** From the end back to the beginning: every step along a diagonal is a word that both have. */
function back(trace: readonly Int32Array[], lengthA: number, lengthB: number): [number, number][] {
  const found: [number, number][] = []
  let x = lengthA
  let y = lengthB
  for (let changes = trace.length - 1; changes >= 0; changes--) {
    const before = trace[changes] as Int32Array
    const at = (k: number) => before[k + changes + 1] as number
    const k = x - y
    const down = k === -changes || (k !== changes && at(k - 1) < at(k + 1))
    const fromX = changes ? at(down ? k + 1 : k - 1) : 0
    const fromY = changes ? fromX - (down ? k + 1 : k - 1) : 0
    while (x > fromX && y > fromY) found.push([--x, --y])
    x = fromX
    y = fromY
  }
  return found.reverse()
}

/**
 * Each text as stretches. The first is the measure of the others: what they do not share with it parts from it;
 * in the first itself, what any of them lacks.
 */
export function differences(texts: readonly string[]): Stretch[][] {
  const split = texts.map(words)
  const [first, ...others] = split
  if (!first) return []
  const inAll = new Array<boolean>(first.length).fill(true)
  const rest = others.map((other) => {
    const [inFirst, inOther] = shared(first, other)
    for (const [index, one] of inFirst.entries()) if (!one) inAll[index] = false
    return inOther
  })
  return [inAll, ...rest].map((same, index) => stretches(split[index] as string[], same))
}

function stretches(split: readonly string[], same: readonly boolean[]): Stretch[] {
  const found: Stretch[] = []
  for (const [index, word] of split.entries()) {
    const last = found.at(-1)
    if (last && last.same === same[index]) last.text += word
    else found.push({ text: word, same: same[index] as boolean })
  }
  // a lone space between two parting stretches belongs to them: one mark is easier to read than many
  return found.reduce<Stretch[]>((joined, one, index) => {
    const last = joined.at(-1)
    const between = one.same && !one.text.trim() && last && !last.same && found[index + 1]
    if (last && (between || last.same === one.same)) last.text += one.text
    else joined.push({ ...one })
    return joined
  }, [])
}

/** After how many words, spaces not counted, the texts part; null where they are all the same. */
export function partsAfter(texts: readonly string[]): number | null {
  const split = texts.map((text) => words(text).filter((word) => word.trim()))
  const longest = Math.max(0, ...split.map((one) => one.length))
  for (let at = 0; at < longest; at++) if (split.some((one) => one[at] !== split[0]?.[at])) return at
  return null
}
