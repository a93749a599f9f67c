/** Where tuned models come from: base, then job, then the job's model and its checkpoints. */
import { queryOptions, useQueries, useQuery } from '@tanstack/react-query'
import { api, body, type Checkpoint, type Job, type Model } from './client'
import { checkpointsQuery } from './jobs'
import { isBase, isTuned, modelsQuery } from './models'

/** Enough for the family of what people choose from; older jobs are found in their own list. */
const JOBS = 100
/** Jobs whose checkpoints a picker offers. */
const WITH_CHECKPOINTS = 8

export const familyJobsQuery = () =>
  queryOptions({
    queryKey: ['jobs', 'family'],
    queryFn: ({ signal }) =>
      body(api.GET('/v1/fine_tuning/jobs', { params: { query: { limit: JOBS } }, signal })),
    staleTime: 10_000,
  })

/** The job that made a model, under its own name or as a checkpoint. */
export function jobOf(jobs: readonly Job[], model: string): Job | undefined {
  const tuned = model.replace(/:ckpt-step-\d+$/, '')
  return jobs.find((job) => job.fine_tuned_model === tuned)
}

/** `ft:…:ckpt-step-12` of the model it belongs to. */
export const isCheckpoint = (name: string): boolean => /:ckpt-step-\d+$/.test(name)

export type Kin = {
  models: Model[]
  jobs: Job[]
  checkpoints: Checkpoint[]
  isLoading: boolean
  error: unknown
}

/** Everything that can answer, with the checkpoints of the newest jobs and of the models named. */
export function useKin(wanted: readonly string[]): Kin {
  const models = useQuery(modelsQuery())
  const jobs = useQuery(familyJobsQuery())
  const listed = jobs.data?.data ?? []
  const known = new Set(models.data?.data.map((model) => model.id))
  const asked = listed.filter(
    (job, at) =>
      job.fine_tuned_model &&
      ((at < WITH_CHECKPOINTS && known.has(job.fine_tuned_model)) ||
        wanted.some((name) => isCheckpoint(name) && name.startsWith(`${job.fine_tuned_model}:`))),
  )
  const found = useQueries({
    queries: asked.map((job) => ({ ...checkpointsQuery(job.id, false), staleTime: 60_000 })),
  })
  return {
    models: models.data?.data ?? [],
    jobs: listed,
    checkpoints: found.flatMap(({ data }) => data?.data ?? []),
    isLoading: models.isPending,
    error: models.error,
  }
}

/** Tuned first, for whoever comes to try what they have made. */
export const firstToTry = (models: readonly Model[]): string | undefined =>
  (models.find(isTuned) ?? models.find(isBase) ?? models[0])?.id
