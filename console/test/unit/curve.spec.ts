import { environmentManager, QueryClient, QueryObserver } from '@tanstack/react-query'
import { beforeEach, describe, expect, it, vi } from 'vitest'

/** A server with OpenAI's calls and none of our own: what it answers, by path. */
const answers = new Map<string, unknown>()

async function bareServer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url)
  const answer = answers.get(pathname)
  if (typeof answer === 'string') return new Response(answer)
  if (answer !== undefined) return Response.json(answer)
  const error = { message: `Unknown request URL: GET ${pathname}`, code: 'unknown_url' }
  return Response.json({ error }, { status: 404 })
}

const JOB = '/v1/fine_tuning/jobs/ftjob-1'
const event = (step: number) => ({
  id: `ftevent-${step}`,
  created_at: step,
  level: 'info',
  message: `Step ${step}`,
  type: 'metrics',
  data: { step, total_steps: 2, train_loss: 3 - step },
})

describe('the curve of a job on a server that has no call for it', () => {
  const client = new QueryClient()
  const curve = async (alive: boolean) => {
    const { curveQuery } = await import('@/api/curve')
    return (await client.fetchQuery(curveQuery(client, 'ftjob-1', alive))).curve
  }
  beforeEach(() => {
    vi.resetModules()
    vi.stubGlobal('location', { origin: 'http://bare', href: 'http://bare/' })
    vi.stubGlobal('document', { visibilityState: 'visible' })
    const storage = { getItem: () => null, setItem: () => undefined, removeItem: () => undefined }
    vi.stubGlobal('sessionStorage', storage)
    vi.stubGlobal('localStorage', storage)
    vi.stubGlobal(
      'Request',
      class extends Request {
        constructor(input: RequestInfo | URL, init?: RequestInit) {
          super(input instanceof Request ? input : new URL(`${input}`, 'http://bare'), init)
        }
      },
    )
    vi.stubGlobal('fetch', bareServer)
    answers.clear()
    client.clear()
    client.setQueryData(['job', 'ftjob-1'], { id: 'ftjob-1', result_files: ['file-1'] })
  })
  it('is read from the metrics events', async () => {
    answers.set(`${JOB}/events`, { data: [event(2), event(1)], has_more: false })
    const { steps, columns, totalSteps } = await curve(true)
    expect([steps, columns.train_loss, totalSteps]).toEqual([[1, 2], [2, 1], 2])
  })
  it('is read once more after its end, for the steps that came between the last look and the end', async () => {
    vi.useFakeTimers()
    environmentManager.setIsServer(() => false) // which would repeat nothing
    const { curveQuery } = await import('@/api/curve')
    answers.set(`${JOB}/events`, { data: [event(1)], has_more: false })
    const asked = vi.fn(bareServer)
    vi.stubGlobal('fetch', asked)
    const watcher = new QueryObserver(client, curveQuery(client, 'ftjob-1', true))
    const stop = watcher.subscribe(() => undefined)
    await vi.advanceTimersByTimeAsync(500)
    answers.set(`${JOB}/events`, { data: [event(2), event(1)], has_more: false })
    watcher.setOptions(curveQuery(client, 'ftjob-1', false))
    await vi.advanceTimersByTimeAsync(5_000)
    expect(watcher.getCurrentResult().data?.curve.steps).toEqual([1, 2])
    asked.mockClear()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(asked).not.toHaveBeenCalled()
    stop()
    vi.useRealTimers()
  })
  it('is read from the result file of a job that has ended, where no event tells of a step', async () => {
    answers.set(`${JOB}/events`, { data: [], has_more: false })
    answers.set('/v1/files/file-1/content', 'step,train_loss,train_accuracy\n1,2.5,0.5\n2,1.5,0.75\n')
    expect((await curve(true)).steps).toEqual([])
    client.removeQueries({ queryKey: ['curve'] })
    client.removeQueries({ queryKey: ['events'] })
    const { steps, columns } = await curve(false)
    expect([steps, columns.train_loss]).toEqual([
      [1, 2],
      [2.5, 1.5],
    ])
  })
})
