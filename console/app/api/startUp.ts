/** How long a job takes until its first step, as far as an earlier one tells. */
import { type QueryClient, queryOptions } from '@tanstack/react-query'
import { timeline } from '@/lib/timeline'
import type { Job } from './client'
import { eventsQuery, jobNamesQuery, metricsAfter } from './jobs'

/** Seconds from the start of the newest earlier job on the same base to its first step; null where none tells. */
export const startUpQuery = (client: QueryClient, job: Job) =>
  queryOptions({
    queryKey: ['start-up', job.model, job.id],
    queryFn: async ({ signal }): Promise<number | null> => {
      const { data } = await client.fetchQuery(jobNamesQuery())
      const earlier = data.find(
        ({ id, model, status }) => id !== job.id && model === job.model && status === 'succeeded',
      )
      if (!earlier) return null
      const events = await client.fetchQuery(eventsQuery(client, earlier.id, false))
      const startedS = timeline(events).find(({ stage }) => stage === 'running')?.atS
      const firstS = (await metricsAfter(earlier.id, 0, signal, 1))?.columns.created_at?.[0]
      return startedS === undefined || firstS == null ? null : Math.max(0, firstS - startedS)
    },
    staleTime: Number.POSITIVE_INFINITY,
  })
