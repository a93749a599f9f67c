import { describe, expect, it } from 'vitest'
import { whyNot } from '@/api/states'
import { en } from '@/i18n/en'

describe('a button that cannot act', () => {
  const facts = { step: '120', ended: '2 hours ago' }
  it('says why, with the facts', () => {
    expect(whyNot('pause', 'paused', facts, en)).toBe('Already paused at step 120.')
    expect(whyNot('cancel', 'succeeded', facts, en)).toBe('Finished 2 hours ago.')
    expect(whyNot('resume', 'running', facts, en)).toBe('It is not paused.')
  })
  it('acts where the server would, and where the server has to say', () => {
    expect(whyNot('pause', 'running', facts, en)).toBeUndefined()
    expect(whyNot('cancel', 'a newer state', facts, en)).toBeUndefined()
  })
})
