/** The best of a job's checkpoints: by the whole validation file, for training loss nearly always favours the last. */

type Measured = { metrics: { full_valid_loss?: number | null } }

export function best<One extends Measured>(checkpoints: readonly One[]): One | undefined {
  const loss = ({ metrics }: One) => metrics.full_valid_loss ?? Number.POSITIVE_INFINITY
  const measured = checkpoints.filter((one) => Number.isFinite(loss(one)))
  return measured.length > 1 ? measured.reduce((a, b) => (loss(b) < loss(a) ? b : a)) : undefined
}
