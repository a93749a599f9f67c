import { describe, expect, it } from 'vitest'
import { list, number, oneOf, range } from '@/lib/urlState'

describe('what the URL says', () => {
  it('is one of the words, else the first, which is not written', () => {
    const tab = oneOf('metrics', 'events')
    expect(tab.read('events')).toBe('events')
    expect(tab.read('<script>')).toBe('metrics')
    expect(tab.write('metrics')).toBeNull()
  })
  it('is a number within its bounds', () => {
    const smoothing = number(0, 0.99, 0.6)
    expect([smoothing.read(null), smoothing.read('7'), smoothing.read('x'), smoothing.read('0')]).toEqual([
      0.6, 0.99, 0.6, 0,
    ])
    expect(smoothing.write(0.6)).toBeNull()
  })
  it.each([
    ['120-900', { from: 120, to: 900 }],
    ['120-', { from: 120, to: null }],
    ['900-120', null],
    ['a-b', null],
    [null, null],
  ])('reads the stretch %s', (text, expected) => {
    expect(range.read(text)).toEqual(expected)
    if (text && expected) expect(range.write(expected)).toBe(text)
  })
  it('is a few ids, each once', () => {
    expect(list(2).read('a,b,a,c')).toEqual(['a', 'b'])
    expect(list(2).write([])).toBeNull()
  })
})
