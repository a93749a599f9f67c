import { describe, expect, it } from 'vitest'
import { smooth } from '@/lib/smooth'

const noise = Array.from({ length: 500 }, (_, i) => Math.sin(i * 12.9898) * 2 + 3)

describe('the smoothed curve', () => {
  it('begins at the first value, not at zero', () => {
    expect(smooth([4, 4, 4], 0.9)).toEqual([4, 4, 4].map((value) => expect.closeTo(value, 12)))
  })
  it('is the curve itself at strength 0', () => {
    expect(smooth(noise, 0)).toEqual(noise)
  })
  it('does not change where it was when the run goes on', () => {
    expect(smooth(noise, 0.8).slice(0, 200)).toEqual(smooth(noise.slice(0, 200), 0.8))
  })
  it('keeps a gap a gap and passes over it', () => {
    expect(smooth([1, null, 1], 0.5)).toEqual([1, null, 1])
  })
  it('stays within what was measured', () => {
    for (const value of smooth(noise, 0.97)) {
      expect(value).toBeGreaterThanOrEqual(Math.min(...noise))
      expect(value).toBeLessThanOrEqual(Math.max(...noise))
    }
  })
})
