import { describe, expect, it } from 'vitest'
import { usageQuery } from '@/api/usage'
import { barsOf, dayName, dayOf, daysOf, isMeant, merged, totalsOf, usageCsv } from '@/lib/usage'

const DAY = 86_400
const row = (dayS: number, group: string, tokens: number) => ({
  dayS,
  group,
  values: { tokens, requests: 1 },
})

describe('usage by day', () => {
  const rows = [row(0, 'a', 5), row(DAY, 'a', 1), row(0, 'b', 20), row(DAY, 'c', 2)]

  it('sums groups, the largest first', () => {
    expect(
      totalsOf(rows, 'tokens').map(({ group, values }) => [group, values.tokens, values.requests]),
    ).toEqual([
      ['b', 20, 1],
      ['a', 6, 2],
      ['c', 2, 1],
    ])
  })
  it('draws every token: what has no colour of its own stands together', () => {
    const bars = barsOf(rows, [0, DAY], 'tokens', 2, 'rest')
    expect(bars).toEqual([
      { group: 'b', values: [20, 0] },
      { group: 'rest', values: [5, 3] },
    ])
    expect(barsOf(rows, [0, DAY], 'tokens', 3, 'rest').map(({ group }) => group)).toEqual(['b', 'a', 'c'])
  })
  it('joins rows of the same day and group, and writes them as CSV', () => {
    const joined = merged([row(0, 'x, y', 1), row(0, 'x, y', 2)])
    expect(usageCsv(joined, 'model', ['tokens'])).toBe('day,model,tokens\n1970-01-01,"x, y",3\n')
  })
  it('takes no half-typed year for a day that was meant', () => {
    const today = dayOf('2026-11-21') as number
    const typed = ['0002-11-01', '0020-11-01', '0202-11-01', '2026-11-01', '2026-11-22', '']
    expect(typed.map((name) => isMeant(name, today))).toEqual([false, false, false, true, false, false])
  })
  it('writes names that look like formulas for spreadsheets as text, and for others as they are', () => {
    const rows = [row(0, '=1+1', 1)]
    expect(usageCsv(rows, 'model', ['tokens'])).toContain(',=1+1,')
    expect(usageCsv(rows, 'model', ['tokens'], true)).toContain(",'=1+1,")
  })
  it('shows no numbers of one report under the name of another while those are read', () => {
    const span = { fromS: 0, toS: DAY }
    const before = { rows: [row(0, 'nano', 5)], currency: null }
    const shown = (asked: ReturnType<typeof usageQuery>) => {
      const earlier = { queryKey: usageQuery('served', 'model', span).queryKey }
      return (asked.placeholderData as (data: unknown, query: unknown) => unknown)(before, earlier)
    }
    expect(shown(usageQuery('served', 'model', { fromS: 0, toS: 9 * DAY }))).toBe(before)
    expect(shown(usageQuery('costs', 'model', span))).toBeUndefined()
    expect(shown(usageQuery('served', 'project_id', span))).toBeUndefined()
  })
  it('knows days, and refuses what is none', () => {
    expect(dayName(dayOf('2026-11-21') as number)).toBe('2026-11-21')
    expect([dayOf('2026-13-45'), dayOf('soon'), dayOf('')]).toEqual([null, null, null])
    expect(daysOf(0, 2 * DAY)).toEqual([0, DAY, 2 * DAY])
  })
})
