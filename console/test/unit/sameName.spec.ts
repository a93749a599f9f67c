import { expect, it } from 'vitest'
import { isSameName } from '@/lib/sameName'

it('a name is the same however its accents are written, and not with other spaces inside', () => {
  expect(isSameName('café.jsonl ', 'cafe\u0301.jsonl')).toBe(true)
  expect(isSameName('two  spaces', 'two  spaces')).toBe(true)
  expect(isSameName('two spaces', 'two  spaces')).toBe(false)
})
