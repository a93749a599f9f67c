/** What a job would take, before it is created. */
import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import { type CreateJob, optional, type Schemas } from './client'

export type Estimate = Schemas['JobEstimate']

/** Asked again this soon while the server still reads the files. */
const AGAIN_MS = 1_000

/** Null where the server has no such call. */
export const estimateQuery = (request: CreateJob | null) =>
  queryOptions({
    queryKey: ['estimate', request],
    queryFn: async ({ signal }) => {
      const init = {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(request),
        signal,
      }
      return (await optional('/v1/fine_tuning/jobs/estimate', init)) as Estimate | null
    },
    enabled: request !== null,
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (state.data?.status === 'in_progress' ? AGAIN_MS : false),
    staleTime: 10_000, // the queue and the free memory change
  })
