import { describe, expect, it } from 'vitest'
import { pieces, stepOf } from '@/lib/logprob'

const token = (text: string, bytes: number[], share = 1) => ({ token: text, bytes, logprob: Math.log(share) })
const bytesOf = (text: string) => [...new TextEncoder().encode(text)]

describe('tokens with probabilities', () => {
  it('are joined where a character is spread over several, with the product of their probabilities', () => {
    const [a, b, c] = bytesOf('你')
    const shown = pieces([
      token('H', bytesOf('H'), 0.5),
      token('\uFFFD', [a as number, b as number], 0.5),
      token('\uFFFD', [c as number], 0.5),
      token('!', bytesOf('!')),
    ])
    expect(shown.map((piece) => piece.text)).toEqual(['H', '你', '!'])
    expect(Math.exp(shown[1]?.logprob ?? 0)).toBeCloseTo(0.25)
    expect(shown[1]?.tokens).toHaveLength(2)
  })
  it('lose nothing: whatever the bytes, every token is in one piece', () => {
    const torn = Array.from({ length: 30 }, (_, index) => token('\uFFFD', [0x80 + index]))
    expect(pieces(torn).flatMap((piece) => piece.tokens)).toEqual(torn)
  })
  it('have five steps from sure to unlikely', () => {
    expect([1, 0.95, 0.8, 0.5, 0.2, 0.01, 0].map((share) => stepOf(Math.log(share)))).toEqual([
      0, 0, 1, 2, 3, 4, 4,
    ])
  })
})
