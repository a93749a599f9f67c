import { describe, expect, it } from 'vitest'
import { jsonFault } from '@/lib/jsonFault'

/** The same numbers on every run. */
function dice(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}
const isJson = (text: string) => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

describe('where a text stops being JSON', () => {
  it.each([
    ['{"a": 1,\n "b" 2}', 2, 6],
    ['[1, 2,]', 1, 7],
    ['{"a": "x\ny"}', 1, 9],
    ['[01]', 1, 3],
    ['{"a": tru}', 1, 7],
    ['[] []', 1, 4],
    ["{'a': 1}", 1, 2],
    ['{"a": "\\x"}', 1, 8],
    ['\n\n  }', 3, 3],
  ])('%j: line %i, column %i', (text, line, column) => {
    expect(jsonFault(text)).toMatchObject({ line, column, atEnd: false })
  })
  it('knows a text that ends too early', () => {
    for (const text of ['', ' ', '[', '{"a"', '{"a": [1, 2', '"open'])
      expect(jsonFault(text)).toMatchObject({ at: text.length, atEnd: true })
  })
  it('finds a fault exactly where the browser’s own parser refuses, whatever was changed', () => {
    const start = JSON.stringify({ a: [1, -2.5e-3, null, true], 'b"\\': { c: 'é\n', d: {} }, e: [] }, null, 1)
    const signs = '{}[],:"\\ \n\te-+.0159truefalsn\u0001'
    const roll = dice(7)
    const wrong: string[] = []
    let refused = 0
    for (let round = 0; round < 3_000; round++) {
      let text = start
      for (let change = roll(3); change >= 0; change--) {
        const at = roll(text.length + 1)
        text = text.slice(0, at) + (signs[roll(signs.length + 1)] ?? '') + text.slice(at + roll(2))
      }
      const fault = jsonFault(text)
      if ((fault === null) !== isJson(text)) wrong.push(text)
      if (!fault) continue
      refused++
      // what stands before the fault begins some JSON, and the place is within its line
      const begins = jsonFault(text.slice(0, fault.at))?.atEnd ?? true
      const line = text.split('\n')[fault.line - 1] ?? ''
      if (!begins || line.length < fault.column - 1) wrong.push(text)
    }
    expect(wrong).toEqual([])
    expect(refused).toBeGreaterThan(500)
  }, 30_000)
  it('does not mind depth', () => {
    expect(jsonFault('['.repeat(200_000))).toMatchObject({ atEnd: true })
  })
})
