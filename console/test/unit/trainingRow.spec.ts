import { describe, expect, it } from 'vitest'
import { en } from '@/i18n/en'
import { zhCN } from '@/i18n/zh-CN'
import { asText, grouped } from '@/lib/problems'
import { linesOf, rowOf } from '@/lib/trainingRow'

describe('a row of a training file', () => {
  it('shows which turns are trained on, weights included', () => {
    const row = rowOf(
      JSON.stringify({
        messages: [
          { role: 'user', content: [{ type: 'text', text: 'Hi' }] },
          { role: 'assistant', content: 'No', weight: 0 },
          { role: 'assistant', content: 'Yes' },
        ],
      }),
      1,
    )
    expect(row?.turns.map(({ text, trained }) => [text, trained])).toEqual([
      ['Hi', false],
      ['No', false],
      ['Yes', true],
    ])
  })
  it('reads prompt and completion, and both replies of a preference pair', () => {
    expect(rowOf('{"prompt": "a", "completion": "b"}', 1)).toMatchObject({
      converted: true,
      turns: [{}, { text: 'b', trained: true }],
    })
    const pair = {
      input: { messages: [] },
      preferred_output: [{ role: 'assistant', content: 'good' }],
      non_preferred_output: [{ role: 'assistant', content: 'bad' }],
    }
    expect(rowOf(JSON.stringify(pair), 1)).toMatchObject({ preferred: 'good', rejected: 'bad' })
  })
  it('is none where it is no object, and keeps the numbers of its lines', () => {
    expect(
      linesOf('\uFEFF{"messages": []}\n\nnonsense\n{"cut": ', false).map(({ line, row }) => [
        line,
        row === null,
      ]),
    ).toEqual([
      [1, false],
      [3, true],
    ])
    for (const raw of ['null', '[]', '"x"', '{}', '{"messages": [null, 3]}'])
      expect(() => rowOf(raw, 1)).not.toThrow()
  })
})

describe('problems of a file', () => {
  const problem = (line: number, code: string) => ({ line, path: null, code, message: 'm', hint: 'h' })
  it('are grouped by kind, in the order of their first line', () => {
    const groups = grouped([problem(1, 'b'), problem(2, 'a'), problem(3, 'b')])
    expect(groups.map(({ code, problems }) => [code, problems.map(({ line }) => line)])).toEqual([
      ['b', [1, 3]],
      ['a', [2]],
    ])
    expect(asText([problem(4, 'a')], en.datasets)).toBe('Line 4: m; h')
    expect(asText([problem(4, 'blank_line')], zhCN.datasets)).toBe('第 4 行：m；删除空行。')
  })
})
