import { describe, expect, it } from 'vitest'
import { excerptOf, MOST_CHARS, piecesOf, spotOf } from '@/lib/excerpt'
import { spanAt } from '@/lib/jsonSpan'

const ROW =
  '{"messages": [{"role": "user", "content": "a \\"b]\\" }"}, {"role":"robot" ,"content": ""}], "x": 1.5}'
const at = (path: string, text = ROW) => {
  const span = spanAt(text, path)
  return span && text.slice(span.from, span.to)
}
const problem = (code: string, path: string | null, message = '') => ({ code, path, message })
const shown = (pieces: { text: string; isSpot: boolean }[]) =>
  pieces.map(({ text, isSpot }) => (isSpot ? `[${text}]` : text)).join('')

describe('where a value stands in a line', () => {
  it('is found by its path, whatever stands in strings', () => {
    expect(at('messages[1].role')).toBe('"robot"')
    expect(at('messages[0].content')).toBe('"a \\"b]\\" }"')
    expect(at('messages[1]')).toBe('{"role":"robot" ,"content": ""}')
    expect(at('x')).toBe('1.5')
    expect(at('')).toBe(ROW)
  })
  it('is that of what it should stand in where it is missing', () => {
    expect(at('messages[1].name')).toBe('{"role":"robot" ,"content": ""}')
    expect(at('messages[7].role')).toMatch(/^\[.*\]$/)
    expect(at('x.y')).toBe('1.5')
  })
  it('is none where the text is no JSON, and that is soon known', () => {
    expect(at('[999999999]', '[:')).toBe('[:')
  })
  it('is not guessed in a text that is cut off before it', () => {
    const cut = ROW.slice(0, ROW.indexOf('robot') - 12)
    expect(at('messages[1].role', cut)).toBeNull()
    expect(at('messages[0].role', cut)).toBe('"user"')
    expect(at('messages[0].content', ROW.slice(0, 46))).toMatch(/^"a /)
    for (let end = 0; end < ROW.length; end++)
      expect(() => at('messages[1].role', ROW.slice(0, end))).not.toThrow()
  })
})

describe('the line around what is wrong', () => {
  it('marks the value, and the key that should not be there', () => {
    expect(shown(excerptOf(ROW, spotOf(ROW, problem('invalid_role', 'messages[1].role'))))).toContain(
      '"role":["robot"] ,',
    )
    const extra = problem('extra_key', 'the row', 'the row has an unknown key "x"')
    expect(shown(excerptOf(ROW, spotOf(ROW, extra)))).toMatch(/\["x"\]: 1\.5}$/)
  })
  it('marks where a text stops being JSON, also at its end', () => {
    const torn = '{"messages": [{"role": }]}'
    expect(shown(excerptOf(torn, spotOf(torn, problem('invalid_json', null))))).toBe(
      '{"messages": [{"role": [}]]}',
    )
    const cut = '{"messages": ['
    expect(shown(excerptOf(cut, spotOf(cut, problem('invalid_json', null))))).toBe('{"messages": [[]')
  })
  it('does not take the mark at the beginning of a file for the fault', () => {
    const marked = `\uFEFF${ROW}`
    expect(shown(excerptOf(marked, spotOf(marked, problem('invalid_role', 'messages[1].role'))))).toContain(
      '["robot"]',
    )
  })
  it('says nothing of the end of a line that was not given whole', () => {
    const long = `{"a": "${'x'.repeat(MOST_CHARS)}`.slice(0, MOST_CHARS)
    expect(spotOf(long, problem('invalid_json', null))).toBeNull()
    expect(shown(excerptOf(long, null))).toMatch(/^\{"a": "x+…$/)
  })
  it('is short, and cuts no character in two', () => {
    const text = `["${'😀'.repeat(300)}"]`
    const pieces = excerptOf(text, spotOf(text, problem('empty', '[0]')))
    expect(shown(pieces).length).toBeLessThan(250)
    for (const piece of pieces) expect(() => encodeURIComponent(piece.text)).not.toThrow()
  })
  it('marks every spot of a whole line once', () => {
    const spots = ['messages[1].role', 'messages[1]', 'x'].map((path) => spanAt(ROW, path))
    const pieces = piecesOf(ROW, [...spots, null])
    expect(pieces.map(({ text }) => text).join('')).toBe(ROW)
    expect(pieces.filter(({ isSpot }) => isSpot).map(({ text }) => text)).toEqual([
      '{"role":"robot" ,"content": ""}',
      '1.5',
    ])
  })
})
