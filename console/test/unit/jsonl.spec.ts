import { describe, expect, it } from 'vitest'
import { look } from '@/lib/jsonl'

const chat = '{"messages": []}\n'

describe('a first look at a training file', () => {
  it('knows conversations, completions and preference pairs', () => {
    expect(look(chat, true)).toMatchObject({ method: 'supervised', lines: 1, problem: null })
    expect(look('{"prompt": "a", "completion": "b"}', true).method).toBe('supervised')
    expect(look('{"input": {}, "preferred_output": []}', true).method).toBe('dpo')
  })
  it('passes over a byte order mark and blank lines', () => {
    expect(look(`\uFEFF${chat}\n${chat}`, true)).toMatchObject({ lines: 2, problem: null })
  })
  it('names the line that is not JSON', () => {
    expect(look(`${chat}${chat}{"messages": [\n`, true)).toMatchObject({ problem: 'not-json', line: 3 })
  })
  it('does not blame the last line when the file goes on', () => {
    expect(look(`${chat}{"messages": [`, false)).toMatchObject({ lines: 1, problem: null })
  })
  it.each([
    ['', 'empty'],
    [' \n', 'empty'],
    ['[{"messages": []}]', 'array'],
    ['PK\u0003\u0004\u0000', 'not-text'],
  ])('says what is wrong with %j', (text, problem) => {
    expect(look(text, true).problem).toBe(problem)
  })
})
