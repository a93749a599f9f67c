/**
 * The hint that a run has gone on for too long, by a rule that the page prints beside it.
 *
 * At least three full validations; the last two both above the lowest; the last by one per cent or more; and the
 * smoothed training loss fell meanwhile.
 */
import { smooth } from './smooth'

export const LEAST_VALIDATIONS = 3
export const LEAST_RISE = 0.01
const STRENGTH = 0.6

export type Overfit = {
  bestStep: number
  bestLoss: number
  /** How much the validation loss has risen since. */
  rose: number
  /** How much the smoothed training loss has fallen since. */
  fell: number
}

export function overfit(
  steps: readonly number[],
  trainLoss: readonly (number | null)[],
  fullValidLoss: readonly (number | null)[],
): Overfit | null {
  const marks = fullValidLoss.flatMap((loss, index) => (loss === null ? [] : [{ index, loss }]))
  if (marks.length < LEAST_VALIDATIONS) return null
  const best = marks.reduce((least, mark) => (mark.loss < least.loss ? mark : least))
  const [before, last] = marks.slice(-2)
  if (!before || !last || before.loss <= best.loss || last.loss < best.loss * (1 + LEAST_RISE)) return null
  const smoothed = smooth(trainLoss, STRENGTH)
  const at = (index: number) => {
    for (let i = index; i >= 0; i--) if (smoothed[i] != null) return smoothed[i] as number
    return Number.NaN
  }
  const fell = at(best.index) - at(last.index)
  if (!(fell > 0)) return null
  return { bestStep: steps[best.index] ?? 0, bestLoss: best.loss, rose: last.loss - best.loss, fell }
}
