import { describe, expect, it } from 'vitest'
import { costOf, priceOf } from '@/lib/price'

const price = (input: number) => ({ input, cached_input: null, output: 2 * input })

describe('what an answer costs', () => {
  const prices = { 'ft:a:x::1': price(9), a: price(3), '*': price(1), free: price(0) }
  it('goes by the model, else its base, else what holds for all', () => {
    expect(priceOf(prices, 'ft:a:x::1')?.input).toBe(9)
    expect(priceOf(prices, 'ft:a:x::2')?.input).toBe(3)
    expect(priceOf(prices, 'b')?.input).toBe(1)
    expect(priceOf(prices, 'free')).toBeNull()
    expect(priceOf({}, 'a')).toBeNull()
  })
  it('takes less for what had been read before, where that has a price of its own', () => {
    const usage = {
      prompt_tokens: 1_000_000,
      completion_tokens: 500_000,
      prompt_tokens_details: { cached_tokens: 400_000 },
    }
    expect(costOf(usage, price(2))).toBe(4)
    expect(costOf(usage, { ...price(2), cached_input: 0.5 })).toBeCloseTo(0.6 * 2 + 0.4 * 0.5 + 2)
    expect(costOf({ prompt_tokens: 10, completion_tokens: 0 }, price(1))).toBeCloseTo(1e-5)
  })
})
