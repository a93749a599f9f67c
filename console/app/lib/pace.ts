/** Whether a run that should be going on has fallen silent. Knows no React. */

const LOOKED_AT = 20
const TIMES_USUAL = 5
/** The server writes its steps in bundles, and to the second: less than this says nothing. */
const LEAST_S = 30

export type Silence = { sinceS: number; usualS: number }

/** `times`: Unix seconds of the steps so far, in their order. */
export function silence(times: readonly (number | null)[], nowS: number): Silence | null {
  const last = times.slice(-LOOKED_AT).flatMap((time) => (time === null ? [] : [time]))
  const first = last[0]
  const latest = last.at(-1)
  if (first === undefined || latest === undefined || last.length < 2) return null
  const usualS = (latest - first) / (last.length - 1)
  const sinceS = nowS - latest
  return sinceS > Math.max(LEAST_S, TIMES_USUAL * usualS) ? { sinceS, usualS } : null
}
