import { describe, expect, it } from 'vitest'
import { diverged, lineOf } from '@/lib/failure'

describe('the line that a failed job names', () => {
  it('is the first one of the server’s message', () => {
    const message =
      'The job failed due to a file format error in the training file. Line 1,017: messages[2].content is empty; give a reply\nLine 2000: …'
    expect(lineOf(message)).toBe(1017)
    expect(lineOf('Training file has 5 example(s), but must have at least 10 examples')).toBeNull()
    expect(lineOf('The outline 4 is no line')).toBeNull()
  })
})

describe('numbers that ran away', () => {
  it('are known by the code of the warning', () => {
    const events = [
      { data: {} },
      { data: { code: 'not_finite', step: 12, learning_rate: 3 } },
      { data: { code: 'truncated', step: 1 } },
    ]
    expect(diverged(events)).toEqual({ step: 12, rate: 3 })
    expect(diverged([{ data: { code: 'truncated' } }])).toBeNull()
  })
})
