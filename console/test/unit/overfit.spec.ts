import { describe, expect, it } from 'vitest'
import { overfit } from '@/lib/overfit'

const steps = [1, 2, 3, 4, 5, 6, 7, 8]
const falling = [4, 3.5, 3, 2.5, 2, 1.5, 1, 0.5]
const at = (marks: Record<number, number>) => steps.map((step) => marks[step] ?? null)

describe('the overfitting hint', () => {
  it('names the best validation and how far both losses have gone since', () => {
    const found = overfit(steps, falling, at({ 2: 2, 4: 1, 6: 1.1, 8: 1.2 }))
    expect(found).toMatchObject({ bestStep: 4, bestLoss: 1, rose: expect.closeTo(0.2, 9) })
    expect(found?.fell).toBeGreaterThan(0)
  })
  it.each([
    ['there are only two validations', { 4: 1, 8: 1.2 }, falling],
    ['the last one is better again', { 2: 1, 4: 1.2, 6: 1.3, 8: 0.9 }, falling],
    ['only the last one is worse', { 2: 2, 6: 1, 8: 1.2 }, falling],
    ['it rose by less than one per cent', { 2: 1, 4: 1.004, 8: 1.005 }, falling],
    ['training rose too', { 2: 1, 4: 1.1, 8: 1.2 }, [...falling].reverse()],
  ])('is silent when %s', (_, marks, train) => {
    expect(overfit(steps, train, at(marks as Record<number, number>))).toBeNull()
  })
})
