import { describe, expect, it } from 'vitest'
import { differences, partsAfter, shared, words } from '@/lib/diff'

const marked = (...texts: string[]) =>
  differences(texts).map((text) => text.map((one) => (one.same ? one.text : `[${one.text}]`)).join(''))

function dice(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** The plain way: a table of all pairs. */
function longest(a: readonly string[], b: readonly string[]): number {
  let row = new Array<number>(b.length + 1).fill(0)
  for (const x of a) {
    const next = [0]
    for (const [j, y] of b.entries())
      next.push(x === y ? (row[j] as number) + 1 : Math.max(row[j + 1] as number, next[j] as number))
    row = next
  }
  return row.at(-1) as number
}

describe('where texts part', () => {
  it('marks words, on both sides', () => {
    expect(marked('The capital is Paris.', 'The capital was Paris, surely.')).toEqual([
      'The capital [is] Paris.',
      'The capital [was] Paris[, surely].',
    ])
    expect(marked('same', 'same')).toEqual(['same', 'same'])
    expect(marked('', 'new')).toEqual(['', '[new]'])
  })
  it('takes signs one by one where a script has no spaces', () => {
    expect(marked('我爱北京', '我爱上海')).toEqual(['我爱[北京]', '我爱[上海]'])
    expect(words('用GPT回答')).toEqual(['用', 'GPT', '回', '答'])
    expect(words('don’t')).toEqual(['don’t'])
  })
  it('measures the second and third by the first, and the first by what all share', () => {
    expect(marked('a b c', 'a x c', 'a b y')).toEqual(['a [b c]', 'a [x] c', 'a b [y]'])
  })
  it('says after how many words', () => {
    expect(partsAfter(['one two three', 'one  two four'])).toBe(2)
    expect(partsAfter(['one', 'one two'])).toBe(1)
    expect(partsAfter(['a b', 'a  b'])).toBeNull()
  })
})

describe('for any texts', () => {
  const roll = dice(11)
  const some = () =>
    Array.from(
      { length: roll(40) },
      () => ['a', 'b', 'cd', ' ', '\n', '好', '!', '👍', '\ud800'][roll(9)],
    ).join('')

  it('nothing is lost, and what is shared is as much as can be', () => {
    for (let round = 0; round < 200; round++) {
      const texts = [some(), some(), some()]
      expect(differences(texts).map((text) => text.map((one) => one.text).join(''))).toEqual(texts)
      const [a, b] = [words(texts[0] as string), words(texts[1] as string)]
      const [inA, inB] = shared(a, b)
      expect(a.filter((_, index) => inA[index])).toEqual(b.filter((_, index) => inB[index]))
      expect(inA.filter(Boolean)).toHaveLength(longest(a, b))
    }
  }, 30_000)
  it('long ones that have nothing in common are done at once', () => {
    const one = Array.from({ length: 40_000 }, (_, index) => `a${index}`).join(' ')
    const other = Array.from({ length: 40_000 }, (_, index) => `b${index}`).join('-')
    const start = performance.now()
    expect(differences([`Yes ${one}.`, `Yes ${other}.`])[0]?.[0]).toEqual({ text: 'Yes ', same: true })
    expect(performance.now() - start).toBeLessThan(5_000)
  }, 30_000)
})
