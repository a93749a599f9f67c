/** The curve of a job, whatever it is read from: metrics events, the server's columns, or the result file. */
import { type Cell, fromCsv, toCsv } from './csv'

export const METRICS = [
  'train_loss',
  'train_mean_token_accuracy',
  'valid_loss',
  'valid_mean_token_accuracy',
  'full_valid_loss',
  'full_valid_mean_token_accuracy',
  'train_reward_margin',
  'train_reward_accuracy',
  'valid_reward_margin',
  'valid_reward_accuracy',
  'full_valid_reward_margin',
  'full_valid_reward_accuracy',
] as const
export type Metric = (typeof METRICS)[number]
export type Column = (number | null)[]
export type Axis = 'step' | 'epoch' | 'tokens' | 'time'

export type Curve = {
  steps: number[]
  /** Unix seconds at which the server heard of each step. */
  times: Column
  tokens: Column
  columns: Record<Metric, Column>
  totalSteps: number | null
  stepsPerEpoch: number | null
  /** Steps from which a further attempt went on. */
  seams: number[]
}

export type CurveEvent = { created_at: number; type: string; data: Record<string, unknown> }

const numberOf = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null

export function emptyCurve(): Curve {
  const columns = Object.fromEntries(METRICS.map((name) => [name, []])) as unknown as Curve['columns']
  return { steps: [], times: [], tokens: [], columns, totalSteps: null, stepsPerEpoch: null, seams: [] }
}

/** From a job's events, in any order; where a step was told twice, the later word counts. */
export function curveOfEvents(events: readonly CurveEvent[]): Curve {
  const curve = emptyCurve()
  const told = new Map<number, CurveEvent>()
  for (const event of events) {
    const { data } = event
    const step = numberOf(data.step)
    if (event.type === 'metrics' && step !== null) {
      const known = told.get(step)
      if (!known || known.created_at <= event.created_at) told.set(step, event)
    }
    curve.stepsPerEpoch = numberOf(data.steps_per_epoch) ?? curve.stepsPerEpoch
    curve.totalSteps = numberOf(data.total_steps) ?? curve.totalSteps
    const from = numberOf(data.resume_step)
    if (from && !curve.seams.includes(from)) curve.seams.push(from)
  }
  for (const [step, event] of [...told].sort(([a], [b]) => a - b)) {
    curve.steps.push(step)
    curve.times.push(event.created_at)
    curve.tokens.push(numberOf(event.data.trained_tokens))
    for (const name of METRICS) curve.columns[name].push(numberOf(event.data[name]))
  }
  return curve
}

/** From the server's columns (`GET …/metrics`): arrays of one length, by name. */
export function curveOfColumns(columns: Record<string, unknown>): Curve {
  const curve = emptyCurve()
  const array = (name: string): unknown[] =>
    Array.isArray(columns[name]) ? (columns[name] as unknown[]) : []
  curve.steps = array('step').map(Number)
  const filled = (name: string): Column => {
    const values = array(name)
    return curve.steps.map((_, index) => numberOf(values[index]))
  }
  curve.times = filled('created_at')
  curve.tokens = filled('trained_tokens')
  for (const name of METRICS) curve.columns[name] = filled(name)
  return curve
}

/** From the result file, whose columns have the older names; it knows no full validation. */
export function curveOfResultFile(csv: string): Curve {
  const { columns, rows } = fromCsv(csv)
  const names: Record<string, string> = { train_accuracy: 'train_mean_token_accuracy' }
  const named: Record<string, unknown> = {}
  columns.forEach((name, index) => {
    named[names[name] ?? name] = rows.map((row) => row[index] ?? null)
  })
  return curveOfColumns(named)
}

/** `2`, `1.5`: how far into the epochs a step is; null where the job does not say. */
export function epochAt({ stepsPerEpoch }: Curve, step: number): string | null {
  return stepsPerEpoch ? `${Number((step / stepsPerEpoch).toFixed(1))}` : null
}

/** Where each step stands on an axis; null when the job does not say. */
export function places(curve: Curve, axis: Axis): number[] | null {
  if (axis === 'step') return curve.steps
  if (axis === 'epoch') {
    const { stepsPerEpoch } = curve
    return stepsPerEpoch ? curve.steps.map((step) => step / stepsPerEpoch) : null
  }
  if (axis === 'tokens') return rising(curve.tokens)
  const times = rising(curve.times)
  const first = times?.[0]
  return times && first !== undefined ? times.map((time) => time - first) : null
}

function rising(column: Column): number[] | null {
  if (!column.length || column.some((value) => value === null)) return null
  let highest = Number.NEGATIVE_INFINITY
  return column.map((value) => {
    highest = Math.max(highest, value as number)
    return highest
  })
}

export const has = (curve: Curve, metric: Metric): boolean =>
  curve.columns[metric].some((value) => value !== null)

/** Points that a logarithmic axis cannot show. */
export const notPositive = (column: Column): number =>
  column.filter((value) => value !== null && value <= 0).length

export type Said = { from: number; to: number; steps: number; best: { step: number; value: number } | null }

/** What a sentence about the curve needs: where it began, where it is, and its best full validation. */
export function said(
  curve: Curve,
  train: Metric,
  fullValid: Metric,
  better: 'lower' | 'higher',
): Said | null {
  const known = curve.columns[train].flatMap((value) => (value === null ? [] : [value]))
  const from = known[0]
  const to = known.at(-1)
  const last = curve.steps.at(-1)
  if (from === undefined || to === undefined || last === undefined) return null
  let best: Said['best'] = null
  curve.columns[fullValid].forEach((value, index) => {
    if (value === null) return
    if (!best || (better === 'lower' ? value < best.value : value > best.value)) {
      best = { step: curve.steps[index] as number, value }
    }
  })
  return { from, to, steps: last, best }
}

export type Run = { name: string; curve: Curve }

/**
 * The metrics that curves have, and their rows: what the table shows and what a download holds. Of several curves each
 * row names its own, and those of one step stand together.
 */
export function table(runs: readonly Run[]): { columns: string[]; rows: Cell[][] } {
  const metrics = METRICS.filter((name) => runs.some(({ curve }) => has(curve, name)))
  const several = runs.length > 1
  const rows = runs.flatMap(({ name, curve }) =>
    curve.steps.map((step, index): Cell[] => [
      step,
      ...(several ? [name] : []),
      ...metrics.map((metric) => curve.columns[metric][index] ?? null),
    ]),
  )
  if (several) rows.sort(([a], [b]) => Number(a) - Number(b))
  return { columns: ['step', ...(several ? ['job'] : []), ...metrics], rows }
}

export function curveCsv(runs: readonly Run[]): string {
  const { columns, rows } = table(runs)
  return toCsv(columns, rows)
}
