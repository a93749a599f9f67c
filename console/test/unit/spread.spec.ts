import { describe, expect, it } from 'vitest'
import { groups, promptOf } from '@/pages/playground/spread'

const run = (seed: number, text: string | null) => ({ seed, text, error: null })

describe('the same prompt several times', () => {
  it('gives the distinct answers, the most frequent first, each with its seeds', () => {
    const runs = [run(1, 'a'), run(2, 'b'), run(3, null), run(4, 'b'), run(5, '')]
    expect(groups(runs)).toEqual([
      { text: 'b', seeds: [2, 4] },
      { text: 'a', seeds: [1] },
      { text: '', seeds: [5] },
    ])
  })
  it('is the same prompt whatever the seed and the colours', () => {
    const request = { model: 'm', messages: [{ role: 'user' as const, content: 'Hi' }], temperature: 1 }
    expect(promptOf({ ...request, seed: 3, logprobs: true, top_logprobs: 5 })).toBe(promptOf(request))
    expect(promptOf({ ...request, temperature: 0 })).not.toBe(promptOf(request))
  })
})
