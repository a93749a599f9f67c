/**
 * The curve of a job, as a query: from the server's columns where it gives them, else from the metrics events, and of
 * a job that has ended without any from its result file.
 *
 * While the job lives only what is new is asked for.
 */
import { type QueryClient, queryOptions } from '@tanstack/react-query'
import { type Curve, curveOfColumns, curveOfEvents, curveOfResultFile } from '@/lib/series'
import { content, type Job, type JobEvent } from './client'
import { type Metrics, metricsAfter, stepsQuery } from './jobs'
import { every } from './poll'

type Read = {
  curve: Curve
  metrics: Metrics | null
  events: JobEvent[] | null
  /** Read while the job could still add to it: a job that has ended since is read once more, for its last steps. */
  alive: boolean
}

/** Whether this server has the call; unknown until it was tried. */
let serverHasColumns: boolean | null = null

export const curveQuery = (client: QueryClient, id: string, alive: boolean) =>
  queryOptions({
    queryKey: ['curve', id],
    queryFn: async ({ signal }): Promise<Read> => {
      const before = client.getQueryData<Read>(['curve', id])
      const metrics = await newest(id, before?.metrics ?? null, signal)
      if (metrics)
        return before?.metrics === metrics
          ? { ...before, alive }
          : { curve: built(metrics), metrics, events: null, alive }
      const events = await client.fetchQuery({ ...stepsQuery(client, id, alive), staleTime: 500 })
      if (before?.events === events) return { ...before, alive }
      const curve = curveOfEvents(events)
      const written = curve.steps.length || alive ? null : await ofResultFile(client, id, signal)
      return { curve: written ?? curve, metrics, events, alive }
    },
    structuralSharing: false, // long arrays, made anew only when something is new
    refetchInterval: (query) => every(alive || query.state.data?.alive === true)(query),
    refetchIntervalInBackground: true,
  })

async function ofResultFile(client: QueryClient, id: string, signal: AbortSignal): Promise<Curve | null> {
  const [file] = client.getQueryData<Job>(['job', id])?.result_files ?? []
  return file ? curveOfResultFile(await (await content(file, signal)).text()) : null
}

function built({ columns, total_steps, steps_per_epoch, seams }: Metrics): Curve {
  const curve = curveOfColumns(columns)
  const from = seams.map((seam) => seam.step).filter((step) => step > 0)
  return { ...curve, totalSteps: total_steps, stepsPerEpoch: steps_per_epoch, seams: [...new Set(from)] }
}

/** What is known with all that has come since; null where the server has no such call. */
async function newest(id: string, known: Metrics | null, signal: AbortSignal): Promise<Metrics | null> {
  if (serverHasColumns === false) return null
  let all = known
  for (;;) {
    const last = all?.columns.step?.at(-1) ?? 0
    const answer = await metricsAfter(id, last, signal)
    serverHasColumns = answer !== null
    if (answer === null) return null
    if (!all) all = answer
    else if (
      answer.n_steps ||
      answer.seams.length !== all.seams.length ||
      answer.total_steps !== all.total_steps
    ) {
      const columns = joined(all.columns, all.n_steps, answer.columns, answer.n_steps)
      all = { ...answer, columns, n_steps: all.n_steps + answer.n_steps }
    }
    if (!answer.has_more) return all
  }
}

type Columns = Metrics['columns']

function joined(before: Columns, nBefore: number, after: Columns, nAfter: number): Columns {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  const filled = (columns: Columns, name: string, n: number) => columns[name] ?? new Array<null>(n).fill(null)
  return Object.fromEntries(
    [...names].map((name) => [name, [...filled(before, name, nBefore), ...filled(after, name, nAfter)]]),
  )
}
