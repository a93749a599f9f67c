import { describe, expect, it } from 'vitest'
import { en } from '@/i18n/en'
import { zhCN } from '@/i18n/zh-CN'
import { speak } from '@/lib/number'
import { reasonText, warningText } from '@/lib/reasons'

const EPOCHS = {
  reason: '560 / 40 examples, at least 3 and at most 20',
  code: 'small_base_rows',
  facts: { rows: 560, n_examples: 40 },
}

describe('a reason of the server', () => {
  it('is said in the language of the page, with its numbers', () => {
    speak('en')
    expect(reasonText(EPOCHS, en)).toMatch(/^560 divided by 40 rows/)
    expect(reasonText(EPOCHS, zhCN)).toMatch(/^560 除以 40 行/)
  })
  it('names the multiplier where there was one, and rates as they are written', () => {
    const rate = { reason: '…', code: 'rate_small_base_few_rows', facts: { rate: 0.003 } }
    expect(reasonText(rate, en)).toBe(
      '3e-3: measured for up to 100 rows on bases with fewer than 50 million parameters.',
    )
    expect(reasonText({ ...rate, facts: { rate: 0.003, multiplier: 2 } }, en)).toContain('times 2 as asked')
  })
  it('stays the server’s own sentence where its code is new or absent', () => {
    expect(reasonText({ reason: 'for good luck', code: 'luck' }, zhCN)).toBe('for good luck')
    expect(reasonText({ reason: 'as asked' }, zhCN)).toBe('as asked')
  })
})

describe('a warning of the server', () => {
  it('names the file, the count and the part of it', () => {
    const warning = {
      message: '…',
      code: 'truncated',
      param: 'training_file',
      facts: { n: 27, n_rows: 100, context_length: 2048 },
    }
    speak('en')
    expect(warningText(warning, en)).toBe('27 rows of the training file (27%) will be cut at 2,048 tokens')
    expect(warningText(warning, zhCN)).toContain('训练文件中有 27 行')
    const one = { ...warning, code: 'shared_rows', facts: { n: 1, n_rows: 1000 } }
    expect(warningText(one, en)).toContain('shares 1 row with the training file (0.1% of it)')
  })
  it('stays the server’s own sentence where its numbers are missing', () => {
    expect(warningText({ message: 'Look at it', code: 'shared_rows' }, zhCN)).toBe('Look at it')
  })
})
