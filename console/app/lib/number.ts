/** Numbers, sizes, times and durations as people read them, in the language of the page. Knows no React. */
import { nowS } from './now'

let language = 'en'
const made = new Map<string, unknown>()

/** Told once, whenever the page's language changes. */
export function speak(tag: string): void {
  language = tag
  made.clear()
}

function once<T>(key: string, make: () => T): T {
  if (!made.has(key)) made.set(key, make())
  return made.get(key) as T
}

/** `12,345` */
export const count = (value: number): string =>
  once('count', () => new Intl.NumberFormat(language)).format(value)

/** `5.5M` */
export const compact = (value: number): string =>
  once(
    'compact',
    () => new Intl.NumberFormat(language, { notation: 'compact', maximumSignificantDigits: 3 }),
  ).format(value)

/** A loss or another measured value: four significant digits, and never `1e-7` where `0` would mislead. */
export function measure(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–'
  if (!Number.isFinite(value)) return `${value}`
  if (value !== 0 && Math.abs(value) < 1e-3) return value.toExponential(2)
  return once(
    'measure',
    () => new Intl.NumberFormat(language, { minimumSignificantDigits: 4, maximumSignificantDigits: 4 }),
  ).format(value)
}

/** A number on an axis: no more digits than tell it from its neighbours. */
export const tick = (value: number): string =>
  value !== 0 && Math.abs(value) < 1e-3
    ? value.toExponential(0)
    : once('tick', () => new Intl.NumberFormat(language, { maximumSignificantDigits: 4 })).format(value)

/** `97.3 %` of a share from 0 to 1. */
export const percent = (share: number, digits = 0): string =>
  once(
    `percent${digits}`,
    () =>
      new Intl.NumberFormat(language, {
        style: 'percent',
        minimumFractionDigits: digits,
        maximumFractionDigits: digits,
      }),
  ).format(share)

/** `€1.25`; small amounts keep two digits that say something. */
export function money(amount: number, currency: string): string {
  const fine = amount !== 0 && Math.abs(amount) < 0.1
  return once(
    `money${currency}${fine}`,
    () =>
      new Intl.NumberFormat(language, {
        style: 'currency',
        currency,
        ...(fine ? { maximumSignificantDigits: 2 } : {}),
      }),
  ).format(amount)
}

/** `1.4 MB` */
export function bytes(size: number): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const
  const power = size < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(size) / 3))
  return once(
    `bytes${power}`,
    () =>
      new Intl.NumberFormat(language, {
        style: 'unit',
        unit: units[power],
        unitDisplay: power ? 'short' : 'long',
        maximumFractionDigits: power ? 1 : 0,
      }),
  ).format(size / 1000 ** power)
}

/** `21 Nov 2026, 14:02:11` of Unix seconds. */
export const moment = (unixS: number): string =>
  once(
    'moment',
    () => new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' }),
  ).format(unixS * 1000)

/** `14:02:11` */
export const clock = (unixS: number): string =>
  once('clock', () => new Intl.DateTimeFormat(language, { timeStyle: 'medium' })).format(unixS * 1000)

const isOf = (unixS: number, todayS: number): boolean =>
  new Date(unixS * 1000).toDateString() === new Date(todayS * 1000).toDateString()

const dayAndTime = () =>
  once(
    'dayAndTime',
    () =>
      new Intl.DateTimeFormat(language, {
        weekday: 'short',
        month: 'short',
        day: 'numeric',
        hour: 'numeric',
        minute: 'numeric',
      }),
  )

/** `14:02:11`, with its day where that is not today. */
export const clockOf = (unixS: number, todayS: number): string =>
  isOf(unixS, todayS) ? clock(unixS) : dayAndTime().format(unixS * 1000)

/** `2:02 – 2:09 PM`, with their days where those are not today; one time where both are of one minute. */
export function clockRange(fromS: number, toS: number, todayS: number): string {
  const format =
    isOf(fromS, todayS) && isOf(toS, todayS)
      ? once('clockRange', () => new Intl.DateTimeFormat(language, { timeStyle: 'short' }))
      : dayAndTime()
  return format.formatRange(fromS * 1000, toS * 1000)
}

const STEPS: [limitS: number, unitS: number, unit: Intl.RelativeTimeFormatUnit][] = [
  [60, 1, 'second'],
  [3600, 60, 'minute'],
  [86_400, 3600, 'hour'],
  [30 * 86_400, 86_400, 'day'],
  [365 * 86_400, 30 * 86_400, 'month'],
  [Number.POSITIVE_INFINITY, 365 * 86_400, 'year'],
]

/** `3 minutes ago`, `in 2 hours`; `1 day ago`, for `yesterday` may be the day before it. */
export function ago(unixS: number, atS = nowS()): string {
  const difference = unixS - atS
  const [, unitS, unit] = STEPS.find(([limit]) => Math.abs(difference) < limit) as (typeof STEPS)[number]
  const numeric = unitS < 86_400 ? 'auto' : 'always'
  const amount = difference / unitS
  return once(`ago${numeric}`, () => new Intl.RelativeTimeFormat(language, { numeric })).format(
    amount > 0 ? Math.round(amount) : Math.trunc(amount), // an age is of whole units, what is left is about so many
    unit,
  )
}

/** `1 h 4 min`, `12 s`: the two largest units. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  if (!whole) return `< ${duration(1)}`
  const parts: [number, string][] = [
    [Math.floor(whole / 86_400), 'day'],
    [Math.floor(whole / 3600) % 24, 'hour'],
    [Math.floor(whole / 60) % 60, 'minute'],
    [whole % 60, 'second'],
  ]
  const first = parts.findIndex(([amount]) => amount > 0)
  const shown = first < 0 ? parts.slice(3) : parts.slice(first, first + 2).filter(([amount]) => amount > 0)
  return shown
    .map(([amount, unit]) =>
      once(
        `duration${unit}`,
        () => new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'short' }),
      ).format(amount),
    )
    .join(' ')
}

/** `1.2 s`: a pace, where the part of a second matters. */
export const pace = (seconds: number): string =>
  seconds < 0.1
    ? duration(seconds)
    : once(
        'pace',
        () =>
          new Intl.NumberFormat(language, {
            style: 'unit',
            unit: 'second',
            unitDisplay: 'short',
            maximumSignificantDigits: 2,
          }),
      ).format(seconds)

/** `120 ms`, `1.2 sec`, `1 min 4 sec`: how long something was waited for. */
export function wait(ms: number): string {
  const whole = Math.round(ms)
  if (whole >= 10_000) return duration(ms / 1000)
  if (whole >= 1000) return pace(ms / 1000)
  return once(
    'wait',
    () => new Intl.NumberFormat(language, { style: 'unit', unit: 'millisecond', unitDisplay: 'short' }),
  ).format(whole)
}

/** `1, 2, and 3` */
export const listed = (parts: readonly string[]): string =>
  once('listed', () => new Intl.ListFormat(language, { type: 'conjunction' })).format(parts)
