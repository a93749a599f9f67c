import { describe, expect, it } from 'vitest'
import { filled, limitAt } from '@/lib/histogram'

const bins = (...rows: number[]) => rows.map((n_rows, n) => ({ low: n * 10, high: n * 10 + 10, n_rows }))

describe('a histogram', () => {
  it('begins and ends with a bar that has rows, and keeps the gaps between', () => {
    expect(filled(bins(0, 1, 0, 2, 0)).map(({ low }) => low)).toEqual([10, 20, 30])
    expect(filled(bins(0, 0))).toEqual([])
  })
  it('has its limit between two bars, within one, or behind all', () => {
    const four = bins(1, 1, 1, 1)
    // a row of as many tokens as the limit still fits
    expect(limitAt(four, 19)).toEqual({ at: 2, within: false })
    expect(limitAt(four, 20)).toEqual({ at: 3, within: true })
    expect(limitAt(four, 25)).toEqual({ at: 3, within: true })
    expect(limitAt(four, 39)).toEqual({ at: 4, within: false })
    expect(limitAt(four, 2048)).toEqual({ at: 4, within: false })
    expect(
      limitAt(
        bins(1).map((bin) => ({ ...bin, low: 100, high: 110 })),
        50,
      ),
    ).toEqual({ at: 0, within: false })
  })
})
