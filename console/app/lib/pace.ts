/** The pace of a run: whether it has fallen silent, and between which times it will end. Knows no React. */
import type { Curve } from './series'
import type { Entry, Stage } from './timeline'

type Run = Pick<Curve, 'steps' | 'times' | 'totalSteps'>

const LOOKED_AT = 20
const TIMES_USUAL = 5
/** The server writes its steps in bundles, and to the second: less than this says nothing. */
const LEAST_S = 30

const BEGINNINGS = new Set<Stage>(['running', 'resumed'])
const BREAKS = new Set<Stage>(['queued', 'paused', 'interrupted'])

/** Where the attempt that trains now began; null while none does. */
function attempt(entries: readonly Entry[]): Entry | null {
  const last = entries.findLast(({ stage }) => BEGINNINGS.has(stage) || BREAKS.has(stage))
  return last && BEGINNINGS.has(last.stage) ? last : null
}

const known = (times: Curve['times']): number[] => times.filter((time) => time !== null)

function pace(times: readonly number[]): number | null {
  const [first] = times
  const last = times.at(-1)
  return first === undefined || last === undefined || times.length < 2
    ? null
    : (last - first) / (times.length - 1)
}

/** How long the first attempt took until its first step: it loaded the model. */
function startUp(entries: readonly Entry[], times: Curve['times']): number {
  const startedS = entries.find(({ stage }) => stage === 'running')?.atS
  const firstS = times[0]
  return startedS === undefined || firstS == null ? 0 : Math.max(0, firstS - startedS)
}

export type Silence = { sinceS: number; usualS: number }

/** `entries`: the job's stages, oldest first. What was before its present attempt is no silence. */
export function silence(
  { steps, times, totalSteps }: Run,
  entries: readonly Entry[],
  nowS: number,
): Silence | null {
  const begun = attempt(entries)
  const latest = steps.at(-1)
  if (!begun || latest === undefined || latest === totalSteps) return null
  const recent = known(times.slice(-LOOKED_AT))
  const since = recent.filter((time) => time >= begun.atS)
  const usualS = pace(since) ?? pace(recent.filter((time) => time < begun.atS))
  if (usualS === null) return null
  const last = since.at(-1)
  // the model is loaded again, and steps that were told before are trained again without a word
  const unheardS =
    last === undefined ? startUp(entries, times) + (latest - (begun.step ?? latest)) * usualS : 0
  const sinceS = nowS - (last ?? begun.atS)
  return sinceS > unheardS + Math.max(LEAST_S, TIMES_USUAL * usualS) ? { sinceS, usualS } : null
}

const STRETCHES = 5
const SPREAD_OVER = 5_000
/** Times are told to the second: a shorter stretch has no pace. */
const LEAST_STRETCH_S = 10

export type Span = { fromS: number; toS: number }

/** When the last step is due by the fastest and by the slowest stretch of this attempt; null while it is too short. */
export function endsBetween({ steps, times, totalSteps }: Run, entries: readonly Entry[]): Span | null {
  const begun = attempt(entries)
  const latest = steps.at(-1)
  const latestS = times.at(-1)
  if (!begun || latest === undefined || latestS == null || totalSteps === null || latest >= totalSteps)
    return null
  const since = known(times.slice(-SPREAD_OVER)).filter((time) => time >= begun.atS)
  const length = Math.floor((since.length - 1) / STRETCHES)
  if (length < 1) return null
  const took = Array.from({ length: STRETCHES }, (_, index) => {
    const end = since.length - 1 - index * length
    return (since[end] as number) - (since[end - length] as number)
  })
  const least = Math.min(...took)
  if (least < LEAST_STRETCH_S) return null
  const stretchesLeft = (totalSteps - latest) / length
  return { fromS: latestS + stretchesLeft * least, toS: latestS + stretchesLeft * Math.max(...took) }
}
