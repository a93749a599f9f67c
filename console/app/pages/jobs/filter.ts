/** Which jobs a list shows: asked of the server, and done here where it does not know the filter. */
import { JOBS_PER_PAGE, type JobFilter, type ListedJob, nameOf } from '@/api/jobs'
import { baseOf } from '@/api/models'
import { hasEnded, LIVE_STATUSES } from '@/api/states'
import type { Call } from '@/lib/code'

export const LIVE = 'live'
export type Wanted = {
  status: string
  q: string
  base: string
  /** As typed: `key=value`. */
  meta: string
  after?: string | undefined
  before?: string | undefined
}

/** The server looks for one text: a base's name is one too, and stands in the names of its models. */
export const asked = ({ status, q, base, meta, after, before }: Wanted): JobFilter => ({
  status: (status === LIVE ? LIVE_STATUSES : status) || undefined,
  q: q.trim() || base || undefined,
  metadata: pairOf(meta),
  after,
  before,
})

/** Undefined until it is a pair. */
export function pairOf(meta: string): JobFilter['metadata'] {
  const [, key, value] = /^\s*([^=]+?)\s*=\s*(.*?)\s*$/.exec(meta) ?? []
  return key ? { key, value: value ?? '' } : undefined
}

/** The list as a call of the API. */
export function callOf(wanted: Wanted): Call {
  const { status, q, metadata, after, before } = asked(wanted)
  return {
    method: 'GET',
    path: '/fine_tuning/jobs',
    name: 'fine_tuning.jobs.list',
    query: {
      limit: JOBS_PER_PAGE,
      ...(after ? { after } : {}),
      ...(metadata ? { metadata: { [metadata.key]: metadata.value } } : {}),
    },
    ownQuery: { status, q, before, include: 'progress' },
  }
}

/** A server that tells the progress has done all but the base by itself. */
export function matches(job: ListedJob, { status, q, base, meta }: Wanted): boolean {
  if (base && baseOf(job.model) !== base) return false
  if (job.progress) return true
  if (status === LIVE ? hasEnded(job.status) : status && job.status !== status) return false
  const pair = pairOf(meta)
  if (pair && job.metadata?.[pair.key] !== pair.value) return false
  const words = q.trim().toLowerCase()
  if (!words) return true
  return [nameOf(job), job.id, job.model, job.fine_tuned_model ?? '', job.training_file].some((one) =>
    one.toLowerCase().includes(words),
  )
}
