import { describe, expect, it } from 'vitest'
import { shownRuns } from '@/lib/runs'

const run = (bytes: number[], trained = false) => ({
  text: null,
  bytes: btoa(String.fromCharCode(...bytes)),
  role: 'user',
  trained,
  cut: false,
  n_tokens: 1,
})
const plain = (text: string) => ({ text, bytes: null, role: 'user', trained: false, cut: false, n_tokens: 1 })

describe('runs of tokens', () => {
  it('give a torn character to the run in which it ends', () => {
    const whole = [...new TextEncoder().encode('a你b')]
    for (let at = 2; at <= 3; at++) {
      const shown = shownRuns([run(whole.slice(0, at)), run(whole.slice(at), true)])
      expect(shown.map(({ text }) => text)).toEqual(['a', '你b'])
    }
  })
  it('go on as they are where nothing is torn, and after it', () => {
    const [first, ...rest] = [...new TextEncoder().encode('🙂')]
    const shown = shownRuns([plain('x'), run([first as number]), run(rest), plain('y')])
    expect(shown.map(({ text }) => text).join('')).toBe('x🙂y')
  })
  it('fall into their tokens where the boundaries are known, and no character is torn', () => {
    const text = 'Hi 你好!'
    const whole = [...new TextEncoder().encode(text)]
    // `Hi`, ` `, a third of 你, the rest of it with a third of 好, the rest, `!`
    const sizes = [2, 1, 1, 3, 2, 1]
    const [shown] = shownRuns([{ ...plain(text), token_bytes: sizes }])
    expect(shown?.pieces).toEqual(['Hi', ' ', '你好', '!'])
    const [first, second] = shownRuns([
      { ...run(whole.slice(0, 4)), token_bytes: sizes.slice(0, 3) },
      { ...run(whole.slice(4)), token_bytes: sizes.slice(3) },
    ])
    expect([first?.pieces, second?.pieces]).toEqual([
      ['Hi', ' '],
      ['你好', '!'],
    ])
    expect(shownRuns([plain(text)])[0]?.pieces).toBeNull()
  })
  it('show what never becomes a character as the replacement', () => {
    expect(shownRuns([run([0xe4])]).map(({ text }) => text)).toEqual(['\uFFFD'])
  })
})
