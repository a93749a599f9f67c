import { describe, expect, it } from 'vitest'
import { distance, nearest, quoted } from '@/lib/nearest'

const NAMES = [
  'nano',
  'gpt-4o-mini-2024-07-18',
  'gpt-4.1-nano',
  'ft:gpt-4o-mini:me:support-bot:9xAbCdEf',
  'ft:gpt-4o-mini:me:airport:7yZzZzZz',
]

describe('the nearest names', () => {
  it('counts the signs that differ', () => {
    expect([distance('', 'ab'), distance('kitten', 'sitting'), distance('same', 'same')]).toEqual([2, 3, 0])
  })
  it('are those of a slip, of a part, and of a checkpoint that is gone', () => {
    expect(nearest('ft:gpt-4o-mini:me:support-bot:9xAbCdEg', NAMES)[0]).toBe(NAMES[3])
    expect(nearest('support-bot', NAMES)).toEqual([NAMES[3]])
    expect(nearest(`${NAMES[4]}:ckpt-step-99`, NAMES)[0]).toBe(NAMES[4])
    expect(nearest('Nanp', NAMES)).toEqual(['nano'])
    expect(nearest('ft:nano:me:support-bot:9xAbCdEf', ['nano'])).toEqual([])
  })
  it('are none where nothing is like it', () => {
    expect(nearest('no-such-model', NAMES)).toEqual([])
    expect(nearest(' ', NAMES)).toEqual([])
    expect(nearest('x', NAMES)).toEqual([])
  })
  it('are those that the server names', () => {
    expect(quoted('The model `x` does not exist. Did you mean `a:b` or `c`?')).toEqual(['x', 'a:b', 'c'])
    expect(quoted('No names.')).toEqual([])
  })
  it('are three at most', () => {
    expect(nearest('gpt', ['gpt-1', 'gpt-2', 'gpt-3', 'gpt-4'])).toHaveLength(3)
  })
})
