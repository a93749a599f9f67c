/** Usage by day and group, as rows, totals and bars. Days are those of UTC, as the server counts them. Knows no React. */
import { type Cell, toCsv, withoutFormulas } from './csv'

export const DAY_S = 86_400

/** One group's numbers on one day. */
export type UsageRow = { dayS: number; group: string; values: Record<string, number> }
export type Total = { group: string; values: Record<string, number> }
export type Bars = { group: string; values: number[] }

/** `2026-11-21` of Unix seconds. */
export const dayName = (unixS: number): string => new Date(unixS * 1000).toISOString().slice(0, 10)

/** Unix seconds of a day's beginning; null for what is no day. */
export function dayOf(name: string): number | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(name)) return null
  const ms = Date.parse(`${name}T00:00:00Z`)
  return Number.isNaN(ms) ? null : ms / 1000
}

/** No usage is older; what is typed of a year before its last digit is. */
const FIRST_DAY = '2000-01-01'

/** A day that somebody can have meant, as a date field has it while its year is typed digit by digit. */
export const isMeant = (name: string, todayS = today()): boolean => {
  const dayS = dayOf(name)
  return dayS !== null && name >= FIRST_DAY && dayS <= todayS
}

export const today = (nowMs = Date.now()): number => Math.floor(nowMs / 1000 / DAY_S) * DAY_S

/** Each day from `fromS` to `toS`, both in it. */
export const daysOf = (fromS: number, toS: number): number[] =>
  Array.from(
    { length: Math.max(0, Math.round((toS - fromS) / DAY_S) + 1) },
    (_, index) => fromS + index * DAY_S,
  )

/** By group, the largest first. */
export function totalsOf(rows: readonly UsageRow[], by: string): Total[] {
  const totals = new Map<string, Record<string, number>>()
  for (const { group, values } of rows) {
    const sum = totals.get(group) ?? {}
    for (const [name, value] of Object.entries(values)) sum[name] = (sum[name] ?? 0) + value
    totals.set(group, sum)
  }
  return [...totals]
    .map(([group, values]) => ({ group, values }))
    .sort((a, b) => (b.values[by] ?? 0) - (a.values[by] ?? 0) || (a.group < b.group ? -1 : 1))
}

/** One value by day for each of the largest groups; the others together under `rest`. */
export function barsOf(
  rows: readonly UsageRow[],
  days: readonly number[],
  value: string,
  most: number,
  rest: string,
): Bars[] {
  const at = new Map(days.map((day, index) => [day, index]))
  const ranked = totalsOf(rows, value).filter((total) => (total.values[value] ?? 0) > 0)
  const alone = new Set(ranked.slice(0, ranked.length > most ? most - 1 : most).map((total) => total.group))
  const bars = new Map<string, number[]>()
  for (const group of alone)
    bars.set(
      group,
      days.map(() => 0),
    )
  if (ranked.length > alone.size)
    bars.set(
      rest,
      days.map(() => 0),
    )
  for (const row of rows) {
    const index = at.get(row.dayS)
    const own = bars.get(alone.has(row.group) ? row.group : rest)
    if (index !== undefined && own) own[index] = (own[index] ?? 0) + (row.values[value] ?? 0)
  }
  return [...bars].map(([group, values]) => ({ group, values }))
}

/** Several rows of one day and group are one. */
export function merged(rows: readonly UsageRow[]): UsageRow[] {
  const found = new Map<string, UsageRow>()
  for (const row of rows) {
    const key = `${row.dayS} ${row.group}`
    const known = found.get(key)
    if (!known) found.set(key, { ...row, values: { ...row.values } })
    else
      for (const [name, value] of Object.entries(row.values))
        known.values[name] = (known.values[name] ?? 0) + value
  }
  return [...found.values()].sort((a, b) => a.dayS - b.dayS || (a.group < b.group ? -1 : 1))
}

/** `guarded`: for a spreadsheet, since people choose names. */
export function usageCsv(
  rows: readonly UsageRow[],
  group: string,
  values: readonly string[],
  guarded = false,
): string {
  const line = (row: UsageRow): Cell[] => [
    dayName(row.dayS),
    row.group,
    ...values.map((name) => row.values[name] ?? 0),
  ]
  const cells = rows.map(line)
  return toCsv(['day', group, ...values], guarded ? withoutFormulas(cells) : cells)
}
