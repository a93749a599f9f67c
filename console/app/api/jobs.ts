/** Fine-tuning jobs, as queries; and what is asked of them. */
import { infiniteQueryOptions, keepPreviousData, type QueryClient, queryOptions } from '@tanstack/react-query'
import {
  api,
  body,
  type CreateJob,
  isApiError,
  type Job,
  type JobEvent,
  optional,
  type Schemas,
} from './client'
import { every } from './poll'
import { type Action, isLive } from './states'

export const JOBS_PER_PAGE = 50
const EVENTS_PER_PAGE = 1000
const STEPS_PER_PAGE = 200
const MOST_EVENT_PAGES = 200

export const jobQuery = (id: string) =>
  queryOptions({
    queryKey: ['job', id],
    queryFn: ({ signal }) =>
      body(api.GET('/v1/fine_tuning/jobs/{job_id}', { params: { path: { job_id: id } }, signal })),
    refetchInterval: (query) => {
      const { data, error } = query.state
      const isRefused = isApiError(error) && (error.status === 403 || error.status === 404)
      return every(data ? isLive(data) : !isRefused)(query)
    },
    refetchIntervalInBackground: true,
  })

export type ListedJob = Schemas['ListedJob']
/** What a list is asked for besides OpenAI's `after` and `limit`; `status` may be several: `a,b`. */
export type JobFilter = {
  status?: string | undefined
  q?: string | undefined
  metadata?: { key: string; value: string } | undefined
  after?: string | undefined
  before?: string | undefined
  limit?: number
}

export const jobsQuery = (filter: JobFilter = {}) =>
  queryOptions({
    queryKey: ['jobs', filter],
    queryFn: ({ signal }) => {
      const { metadata, ...rest } = filter
      const pair = metadata && { [`metadata[${encodeURIComponent(metadata.key)}]`]: metadata.value }
      const query = { limit: JOBS_PER_PAGE, ...rest, ...pair, include: 'progress' as const }
      return body(api.GET('/v1/fine_tuning/jobs', { params: { query }, signal }))
    },
    placeholderData: keepPreviousData,
    refetchInterval: every(true),
    refetchIntervalInBackground: true,
  })

const MOST_NAMED = 100

/** The newest jobs, for a choice among them: without their progress, and not asked for again and again. */
export const jobNamesQuery = () =>
  queryOptions({
    queryKey: ['jobs', 'names'],
    queryFn: ({ signal }) =>
      body(api.GET('/v1/fine_tuning/jobs', { params: { query: { limit: MOST_NAMED } }, signal })),
    staleTime: 60_000,
  })

export const checkpointsQuery = (id: string, alive: boolean) =>
  queryOptions({
    queryKey: ['checkpoints', id],
    queryFn: ({ signal }) =>
      body(
        api.GET('/v1/fine_tuning/jobs/{job_id}/checkpoints', {
          params: { path: { job_id: id }, query: { limit: 1000 } },
          signal,
        }),
      ),
    refetchInterval: every(alive),
    refetchIntervalInBackground: true,
  })

/**
 * What was said of a job, newest first, without its steps, of which there may be many thousands. After the first
 * time only what is new is asked for.
 */
export const eventsQuery = (client: QueryClient, id: string, alive: boolean) =>
  allEvents(client, ['events', id], id, alive, 'message')

/** Every event, each step among them: for a server that has no columns of metrics. */
export const stepsQuery = (client: QueryClient, id: string, alive: boolean) =>
  allEvents(client, ['events', id, 'steps'], id, alive)

const allEvents = (client: QueryClient, key: string[], id: string, alive: boolean, type?: EventType) =>
  queryOptions({
    queryKey: key,
    queryFn: ({ signal }) => newEvents(id, client.getQueryData<JobEvent[]>(key) ?? [], signal, type),
    structuralSharing: false, // many thousands of rows, of which none ever changes
    refetchInterval: every(alive),
    refetchIntervalInBackground: true,
  })

/** A page of all events, newest first, for whoever wants to read the steps too. */
export const eventPagesQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: ['events', id, 'pages'],
    queryFn: ({ pageParam, signal }) => eventPage(id, { limit: STEPS_PER_PAGE, after: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ data, has_more }) => (has_more ? data.at(-1)?.id : undefined),
  })

type EventType = JobEvent['type']
type EventsAsked = { limit: number; after: string | undefined; type?: EventType | undefined }

const eventPage = (id: string, query: EventsAsked, signal: AbortSignal) =>
  body(api.GET('/v1/fine_tuning/jobs/{job_id}/events', { params: { path: { job_id: id }, query }, signal }))

async function newEvents(
  id: string,
  known: JobEvent[],
  signal: AbortSignal,
  type?: EventType,
): Promise<JobEvent[]> {
  const fresh: JobEvent[] = []
  const seen = new Set(known.slice(0, EVENTS_PER_PAGE).map((event) => event.id))
  let after: string | undefined
  for (let page = 0; page < MOST_EVENT_PAGES; page++) {
    const limit = known.length && !page ? 100 : EVENTS_PER_PAGE
    const { data, has_more } = await eventPage(id, { limit, after, type }, signal)
    const unseen = data.filter((event) => !seen.has(event.id))
    fresh.push(...unseen)
    after = data.at(-1)?.id
    if (unseen.length < data.length || !has_more || !after) break
  }
  return fresh.length ? [...fresh, ...known] : known
}

export async function createJob(request: CreateJob, idempotencyKey: string): Promise<Job> {
  const headers = { 'Idempotency-Key': idempotencyKey }
  return body(api.POST('/v1/fine_tuning/jobs', { body: request, params: { header: headers } }))
}

export async function act(action: Action, id: string): Promise<Job> {
  const options = { params: { path: { job_id: id } } }
  if (action === 'cancel') return body(api.POST('/v1/fine_tuning/jobs/{job_id}/cancel', options))
  if (action === 'pause') return body(api.POST('/v1/fine_tuning/jobs/{job_id}/pause', options))
  return body(api.POST('/v1/fine_tuning/jobs/{job_id}/resume', options))
}

export type Metrics = Schemas['JobMetrics']

/** The server's columns after a step; null where it has no such call. */
export async function metricsAfter(
  id: string,
  step: number,
  signal: AbortSignal,
  limit?: number,
): Promise<Metrics | null> {
  const query = `after_step=${step}${limit === undefined ? '' : `&limit=${limit}`}`
  const path = `/v1/fine_tuning/jobs/${encodeURIComponent(id)}/metrics?${query}`
  return (await optional(path, { signal })) as Metrics | null
}

export type JobForecast = Schemas['JobForecast']

/** What was forecast when the job was created, beside what it has taken; null where the server has no such call. */
export const forecastQuery = (id: string, alive: boolean) =>
  queryOptions({
    queryKey: ['forecast', id],
    queryFn: async ({ signal }) =>
      (await optional(`/v1/fine_tuning/jobs/${encodeURIComponent(id)}/forecast`, {
        signal,
      })) as JobForecast | null,
    refetchInterval: every(alive),
    refetchIntervalInBackground: true,
  })

/** What people call a job: its suffix, or else its id. */
export const nameOf = (job: Job): string => job.user_provided_suffix || job.id

/** The method's own settings, by name. */
export function settingsOf(job: Job): Record<string, number | string> {
  const method = job.method as { type: string } & Record<
    string,
    { hyperparameters?: Record<string, number | string> }
  >
  return method[method.type]?.hyperparameters ?? {}
}
export const methodOf = (job: Job): string => (job.method as { type: string }).type
