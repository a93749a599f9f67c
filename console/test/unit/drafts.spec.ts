import { describe, expect, it } from 'vitest'
import { asMessages, Converter, convertedName, NotConvertible } from '@/lib/convert'
import {
  asJsonl,
  fileName,
  freeName,
  isSame,
  kindOf,
  nameFault,
  preferenceRow,
  type RowMessage,
  replyOf,
  supervisedRow,
  textOf,
} from '@/lib/drafts'
import { fingerprint } from '@/lib/fingerprint'
import { rowFaults } from '@/lib/rowFaults'

const question: RowMessage = { role: 'user', content: 'Where is gate B?' }
const say = (text: string): RowMessage => replyOf({ text, calls: [] })
const call = (id: string, given: string) => ({ id, name: 'find', arguments: given })
const tool = { type: 'function' as const, function: { name: 'find', parameters: { type: 'object' } } }

describe('a row', () => {
  it('is a conversation that ends with the answer', () => {
    const row = supervisedRow([question], say('Left.'))
    expect(JSON.parse(asJsonl([row]))).toEqual({
      messages: [question, { role: 'assistant', content: 'Left.' }],
    })
    expect(kindOf(row)).toBe('supervised')
    expect(rowFaults(row)).toEqual([])
  })
  it('is a comparison with exactly one message on each side', () => {
    const row = preferenceRow([question], say('Left.'), say('No idea.'))
    expect(row).toEqual({
      input: { messages: [question] },
      preferred_output: [{ role: 'assistant', content: 'Left.' }],
      non_preferred_output: [{ role: 'assistant', content: 'No idea.' }],
    })
    expect(kindOf(row)).toBe('dpo')
    expect(rowFaults(row)).toEqual([])
  })
  it('keeps calls as calls, with the functions that could be called', () => {
    const row = supervisedRow([question], replyOf({ text: '', calls: [call('', '{"gate": "B"}')] }), [tool])
    expect(row.tools).toEqual([tool])
    expect(row.messages[1]).toEqual({
      role: 'assistant',
      tool_calls: [
        { id: 'call_1', type: 'function', function: { name: 'find', arguments: '{"gate": "B"}' } },
      ],
    })
    expect(rowFaults(row)).toEqual([])
    expect(textOf(row.messages[1] as RowMessage)).toBe('find({"gate": "B"})')
  })
  it('never holds half a character, which no file could', () => {
    const row = supervisedRow([question], say('cut \uD83D'))
    expect(asJsonl([row])).toContain('cut \uFFFD')
    expect(asJsonl([supervisedRow([question], say('😀'))])).toContain('😀')
  })
  it('is one line, whatever its text is', () => {
    const text = asJsonl([supervisedRow([question], say('a\nb\u2028c')), supervisedRow([question], say('d'))])
    expect(text.split('\n')).toHaveLength(3)
    expect(text.endsWith('\n')).toBe(true)
  })
})

describe('two answers', () => {
  it('are the same where they say the same, whatever ids their calls have', () => {
    expect(isSame(say('a'), say('a'))).toBe(true)
    expect(isSame(say('a'), say('a '))).toBe(false)
    const called = (id: string, given: string) => replyOf({ text: '', calls: [call(id, given)] })
    expect(isSame(called('x', '{}'), called('y', '{}'))).toBe(true)
    expect(isSame(called('x', '{}'), called('x', '{"a": 1}'))).toBe(false)
  })
})

describe('faults of a row', () => {
  const codes = (row: unknown) => rowFaults(row).map(({ code, place }) => [code, place])
  it('name the place', () => {
    expect(codes(supervisedRow([question], say(' ')))).toEqual([['empty', 'messages[1].content']])
    expect(codes({ messages: [{ role: 'robot', content: 'x' }] })).toEqual([['role', 'messages[0].role']])
    expect(codes({ messages: [] })).toEqual([['noMessages', 'messages']])
    expect(codes({ messages: [question] })).toEqual([['noReply', 'messages']])
    expect(codes({ messages: [question, { role: 'assistant', content: 'x', weight: 0 }] })).toEqual([
      ['noReply', 'messages'],
    ])
  })
  it('refuse a comparison of the same with the same', () => {
    expect(codes(preferenceRow([question], say('x'), say('x')))).toEqual([['same', 'non_preferred_output']])
    expect(codes(preferenceRow([], say('x'), say('y')))).toEqual([['noMessages', 'input.messages']])
    expect(codes({ input: { messages: [question] }, preferred_output: [] })).toEqual([
      ['replies', 'preferred_output'],
      ['replies', 'non_preferred_output'],
    ])
  })
  it('see arguments that are no JSON object', () => {
    for (const given of ['', '[]', '{', 'null']) {
      const row = supervisedRow([question], replyOf({ text: '', calls: [call('a', given)] }))
      expect(codes(row)).toEqual([['arguments', 'messages[1].tool_calls[0].function.arguments']])
    }
  })
  it('come for whatever is typed as JSON, and nothing is thrown', () => {
    for (const row of [null, 3, [], {}, { messages: [null, 3] }, { messages: 'x' }, { input: 4 }])
      expect(rowFaults(row).length).toBeGreaterThan(0)
    expect(() => textOf({ role: 'user', content: [{ text: 'a' }, null] as never })).not.toThrow()
    expect(() => textOf({ role: 'assistant', tool_calls: [null] as never })).not.toThrow()
  })
})

describe('a draft’s name', () => {
  it('can be a file’s and an address’s', () => {
    for (const name of ['answers', '回答 2', 'Straße_v1.2', 'a-b (c), d+e'])
      expect(nameFault(name)).toBeNull()
    for (const name of ['a/b', 'a\\b', '100%', '..', '<b>', 'a\u202Eb', 'x\ny', '?q', '#h', '"'])
      expect(nameFault(name)).toBe('characters')
    expect(nameFault('  ')).toBe('empty')
    expect(nameFault('x'.repeat(61))).toBe('long')
  })
  it('is had by one, whatever its case', () => {
    expect(nameFault('Answers', ['answers'])).toBe('taken')
    expect(freeName('answers', ['Answers', 'answers 2'])).toBe('answers 3')
    expect(fileName(' my rows ')).toBe('my-rows.jsonl')
  })
})

describe('the fingerprint of a key', () => {
  it('tells keys apart and is shorter than any key', () => {
    const keys = Array.from({ length: 5_000 }, (_, index) => `sk-${index.toString(36).padStart(32, '0')}`)
    const prints = new Set(keys.map(fingerprint))
    expect(prints.size).toBe(keys.length)
    expect(fingerprint('sk-a')).toBe(fingerprint('sk-a'))
    for (const print of prints) expect(print.length).toBeLessThanOrEqual(11)
  })
})

describe('prompts and completions', () => {
  const row = (prompt: string, completion: string) => JSON.stringify({ prompt, completion })
  it('become a question and an answer', () => {
    expect(JSON.parse(asMessages(row('a', 'b')) ?? '')).toEqual({
      messages: [
        { role: 'user', content: 'a' },
        { role: 'assistant', content: 'b' },
      ],
    })
    for (const line of ['', '{', '3', 'null', '{"prompt": "a"}', '{"messages": []}'])
      expect(asMessages(line)).toBeNull()
  })
  it('are converted alike however the file is cut into pieces', () => {
    const text = `\uFEFF${row('a', 'b')}\r\n\n${row('c\n', '😀')}\n${row('e', 'f')}`
    const whole = new Converter()
    const expected = whole.add(text) + whole.end()
    expect(whole.rows).toBe(3)
    expect(expected.trim().split('\n')).toHaveLength(3)
    for (let size = 1; size < 40; size++) {
      const converter = new Converter()
      let made = ''
      for (let at = 0; at < text.length; at += size) made += converter.add(text.slice(at, at + size))
      expect(made + converter.end()).toBe(expected)
    }
  })
  it('name the line that is none', () => {
    const converter = new Converter()
    expect(() => converter.add(`${row('a', 'b')}\n\n{"messages": []}\n`)).toThrow(NotConvertible)
    expect(convertedName('rows.jsonl')).toBe('rows-messages.jsonl')
  })
})
