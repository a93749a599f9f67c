import { describe, expect, it } from 'vitest'
import { toCsv, withoutFormulas } from '@/lib/csv'

describe('comma-separated values', () => {
  const rows = [
    ['=HYPERLINK("http://x")', -1, null],
    ['@a,b', '+1', '\t-'],
    ['a=b', 'safe', '-'],
  ]

  it('are exact, whatever the cells hold', () => {
    expect(toCsv(['a', 'b', 'c'], rows)).toBe(
      'a,b,c\n"=HYPERLINK(""http://x"")",-1,\n"@a,b",+1,\t-\na=b,safe,-\n',
    )
  })
  it('hold no formula for a spreadsheet, and numbers stay numbers', () => {
    expect(withoutFormulas(rows)).toEqual([
      [`'=HYPERLINK("http://x")`, -1, null],
      ["'@a,b", "'+1", "'\t-"],
      ['a=b', 'safe', "'-"],
    ])
  })
})
