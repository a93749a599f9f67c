/** Which jobs a list shows: asked of the server, and done here where it does not know the filter. */
import { type JobFilter, type ListedJob, nameOf } from '@/api/jobs'
import { hasEnded, LIVE_STATUSES } from '@/api/states'

export const LIVE = 'live'
export type Wanted = { status: string; q: string; after?: string | undefined; before?: string | undefined }

export const asked = ({ status, q, after, before }: Wanted): JobFilter => ({
  status: (status === LIVE ? LIVE_STATUSES : status) || undefined,
  q: q.trim() || undefined,
  after,
  before,
})

/** A server that tells the progress has filtered by itself. */
export function matches(job: ListedJob, { status, q }: Wanted): boolean {
  if (job.progress) return true
  if (status === LIVE ? hasEnded(job.status) : status && job.status !== status) return false
  const words = q.trim().toLowerCase()
  if (!words) return true
  return [nameOf(job), job.id, job.model, job.fine_tuned_model ?? '', job.training_file].some((one) =>
    one.toLowerCase().includes(words),
  )
}
