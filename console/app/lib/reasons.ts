/** The server's reasons and warnings in the reader's language: by their codes; its own sentence where a code is new. */
import type { Messages } from '@/i18n'
import { count, percent, tick } from './number'

export type Explained = { reason: string; code?: string | undefined; facts?: Facts | undefined }
export type Warned = { message: string; code: string; param?: string | null; facts?: Facts | undefined }
type Facts = Record<string, number | string>

/** Names of facts that are rates, not counts: they keep their small digits. */
const RATES = new Set(['rate', 'multiplier'])

const written = (facts: Facts): Record<string, string> =>
  Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : RATES.has(name) ? rate(value) : count(value),
    ]),
  )

/** `3e-3` reads better than `0.003` beside other rates; whole multiples stay as they are. */
const rate = (value: number): string =>
  value < 0.01 ? value.toExponential(1).replace('.0e', 'e') : tick(value)

export function reasonText({ reason, code, facts = {} }: Explained, t: Messages): string {
  const say = code ? t.reasons.values[code] : undefined
  if (!say) return reason
  const words = written(facts)
  return say({ ...words, times: words.multiplier ? t.reasons.times({ multiplier: words.multiplier }) : '' })
}

export function warningText({ message, code, param, facts = {} }: Warned, t: Messages): string {
  const say = t.reasons.warnings[code]
  const { n, n_rows } = facts
  if (!say || typeof n !== 'number') return message
  const share = typeof n_rows === 'number' && n_rows > 0 ? shareOf(n / n_rows) : ''
  return say({ ...written(facts), file: t.reasons.files[param ?? ''] ?? param ?? '', share })
}

/** A small part is not rounded away. */
const shareOf = (part: number): string => percent(part, part > 0 && part < 0.1 ? 1 : 0)
