import { describe, expect, it } from 'vitest'
import { best } from '@/lib/best'

const checkpoint = (step: number, train_loss: number, full_valid_loss?: number) => ({
  step,
  metrics: full_valid_loss === undefined ? { train_loss } : { train_loss, full_valid_loss },
})

describe('the best checkpoint', () => {
  it('has the least loss on the whole validation file', () => {
    expect(best([checkpoint(30, 0.1, 0.9), checkpoint(20, 0.3, 0.7), checkpoint(10, 0.5, 0.8)])?.step).toBe(
      20,
    )
  })
  it('is none where nothing was validated, or only one was', () => {
    expect(best([checkpoint(30, 0.1), checkpoint(20, 0.3)])).toBeUndefined()
    expect(best([checkpoint(30, 0.1), checkpoint(20, 0.3, 0.7)])).toBeUndefined()
    expect(best([])).toBeUndefined()
  })
})
