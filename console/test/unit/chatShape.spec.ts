import { describe, expect, it } from 'vitest'
import { askedShape, NO_SHAPE, pretty, readSchema, readTools, shapeFaults } from '@/lib/chatShape'

const tool = (name: unknown, more = {}) => ({ type: 'function', function: { name, ...more } })
const place = (value: unknown) => {
  const { fault } = readTools(JSON.stringify(value))
  return fault && 'code' in fault ? [fault.code, fault.place] : fault
}

describe('tools as text', () => {
  it('are what OpenAI’s clients send', () => {
    const tools = [tool('get_weather', { parameters: { type: 'object' } }), tool('b')]
    expect(readTools(JSON.stringify(tools))).toEqual({ value: tools, fault: null })
    expect(readTools(JSON.stringify(tools[0])).value).toEqual([tools[0]])
    expect(readTools(' \n').value).toEqual([])
  })
  it.each([
    [3, 'notList', ''],
    [[3], 'notObject', '[0]'],
    [[{ type: 'retrieval' }], 'notFunction', '[0].type'],
    [[{ type: 'function', name: 'a' }], 'flat', '[0].function'],
    [[tool('a'), tool('')], 'noName', '[1].function.name'],
    [[tool('get weather')], 'badName', '[0].function.name'],
    [[tool('a'), tool('a')], 'twice', '[1].function.name'],
    [[tool('a', { parameters: [] })], 'notObject', '[0].function.parameters'],
  ])('%j is refused with its place', (value, code, at) => {
    expect(place(value)).toEqual([code, at])
  })
  it('are told by line and column where they are no JSON', () => {
    expect(readTools('[\n  {"type": "function",}\n]').fault).toMatchObject({ json: { line: 2, column: 23 } })
  })
})

describe('the form of an answer', () => {
  const schema = { type: 'object', properties: { city: { type: 'string' } } }
  it('is taken bare, named, or with all that stands around it', () => {
    expect(readSchema(JSON.stringify(schema)).value).toEqual({ name: 'answer', schema })
    const named = { name: 'place', strict: true, schema }
    expect(readSchema(JSON.stringify(named)).value).toEqual(named)
    expect(readSchema(JSON.stringify({ type: 'json_schema', json_schema: named })).value).toEqual(named)
  })
  it('counts only where it is asked for', () => {
    expect(shapeFaults({ ...NO_SHAPE, schema: '{' }).schema).toBeNull()
    expect(shapeFaults({ ...NO_SHAPE, schema: '{', format: 'json_schema' }).schema).toMatchObject({
      json: { atEnd: true },
    })
  })
  it('goes into the request with the tools and the choice among them', () => {
    expect(askedShape(NO_SHAPE)).toEqual({})
    const tools = [tool('a')]
    const typed = { ...NO_SHAPE, tools: JSON.stringify(tools) }
    expect(askedShape({ ...typed, choice: '=a' })).toEqual({
      tools,
      tool_choice: { type: 'function', function: { name: 'a' } },
    })
    expect(askedShape({ ...typed, choice: '=gone' })).toEqual({ tools })
    expect(askedShape({ ...NO_SHAPE, choice: 'required' })).toEqual({})
    expect(askedShape({ ...NO_SHAPE, format: 'json_object' })).toEqual({
      response_format: { type: 'json_object' },
    })
  })
})

describe('JSON as people read it', () => {
  it('is indented as usual', () => {
    const value = { a: [1, { b: [] }], c: {}, d: 'x, y: {z}' }
    expect(pretty(JSON.stringify(value))).toBe(JSON.stringify(value, null, 2))
    expect(pretty(JSON.stringify(value, null, 7))).toBe(JSON.stringify(value, null, 2))
  })
  it('keeps what a parse would lose', () => {
    expect(pretty('{"n":12345678901234567890,"a":1.0,"a":"\\u00e9"}')).toBe(
      '{\n  "n": 12345678901234567890,\n  "a": 1.0,\n  "a": "\\u00e9"\n}',
    )
  })
  it('leaves alone what is none', () => {
    expect(pretty('{"city": "Par')).toBe('{"city": "Par')
  })
})
