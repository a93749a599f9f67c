/** What was served, trained and spent, by day: OpenAI's reports, and our own on training. */
import { queryOptions } from '@tanstack/react-query'
import type { Call } from '@/lib/code'
import { DAY_S, merged, type UsageRow } from '@/lib/usage'
import { api, body } from './client'

export type By = 'model' | 'api_key_id' | 'project_id' | 'fine_tuning_job_id'
export type Show = 'served' | 'trained' | 'costs'
export type Span = { fromS: number; toS: number }
/** `currency`: of the costs, where there are any. */
export type UsageTable = { rows: UsageRow[]; currency: string | null }

/** The numbers of each report, the one that is drawn first. */
export const VALUES: Record<Show, readonly string[]> = {
  served: ['total_tokens', 'input_tokens', 'cached_tokens', 'output_tokens', 'requests'],
  trained: ['trained_tokens', 'device_seconds', 'jobs'],
  costs: ['amount'],
}
/** Jobs belong to a project, not to a key; and only training is by job. */
export const GROUPS: Record<Show, readonly By[]> = {
  served: ['model', 'api_key_id', 'project_id'],
  trained: ['model', 'project_id', 'fine_tuning_job_id'],
  costs: ['model', 'api_key_id', 'project_id'],
}

/** The server's most days of one page. */
const DAYS_PER_PAGE = 31
const MOST_PAGES = 40

type Bucket<R> = { start_time: number; results: R[] }
type Page<R> = { data: Bucket<R>[]; has_more: boolean; next_page: string | null }

async function buckets<R>(page: (page: string | undefined) => Promise<Page<R>>): Promise<Bucket<R>[]> {
  const found: Bucket<R>[] = []
  let next: string | undefined
  for (let n = 0; n < MOST_PAGES; n++) {
    const { data, has_more, next_page } = await page(next)
    found.push(...data)
    if (!has_more || !next_page) break
    next = next_page
  }
  return found
}

const table = <R>(
  found: Bucket<R>[],
  row: (result: R) => Omit<UsageRow, 'dayS'>,
  currency: string | null = null,
): UsageTable => ({
  rows: merged(
    found.flatMap(({ start_time, results }) =>
      results.map((result) => ({ dayS: start_time, ...row(result) })),
    ),
  ),
  currency,
})

const askedOf = ({ fromS, toS }: Span) =>
  ({ start_time: fromS, end_time: toS + DAY_S, bucket_width: '1d', limit: DAYS_PER_PAGE }) as const
type Asked = ReturnType<typeof askedOf>

/** Where each report stands, and what it calls its groups. */
const PATHS: Record<Show, string> = {
  served: '/organization/usage/completions',
  trained: '/organization/usage/fine_tuning',
  costs: '/organization/costs',
}
const costGroup = (by: By) => (by === 'model' || by === 'fine_tuning_job_id' ? 'line_item' : by)

/** The first page of a report, as code. */
export const callOf = (show: Show, by: By, span: Span): Call => ({
  method: 'GET',
  path: PATHS[show],
  query: { ...askedOf(span), group_by: [show === 'costs' ? costGroup(by) : by] },
})

export const usageQuery = (show: Show, by: By, { fromS, toS }: Span) =>
  queryOptions({
    queryKey: ['usage', show, by, fromS, toS],
    queryFn: ({ signal }): Promise<UsageTable> => {
      const asked = askedOf({ fromS, toS })
      if (show === 'served') return served(by, asked, signal)
      return show === 'trained' ? trained(by, asked, signal) : costs(by, asked, signal)
    },
    staleTime: 10_000,
    // other days of the same report may stay while it is read: another report's numbers would stand under a false name
    placeholderData: (before: UsageTable | undefined, earlier) =>
      earlier?.queryKey[1] === show && earlier.queryKey[2] === by ? before : undefined,
  })

async function served(wanted: By, asked: Asked, signal: AbortSignal): Promise<UsageTable> {
  const by = wanted === 'fine_tuning_job_id' ? 'model' : wanted
  const found = await buckets((page) =>
    body(
      api.GET('/v1/organization/usage/completions', {
        params: { query: { ...asked, group_by: [by], page } },
        signal,
      }),
    ),
  )
  return table(found, (one) => ({
    group: one[by] ?? '',
    values: {
      total_tokens: one.input_tokens + one.output_tokens,
      input_tokens: one.input_tokens,
      cached_tokens: one.input_cached_tokens,
      output_tokens: one.output_tokens,
      requests: one.num_model_requests,
    },
  }))
}

async function trained(by: By, asked: Asked, signal: AbortSignal): Promise<UsageTable> {
  const group = by === 'api_key_id' ? 'model' : by
  const found = await buckets((page) =>
    body(
      api.GET('/v1/organization/usage/fine_tuning', {
        params: { query: { ...asked, group_by: [group], page } },
        signal,
      }),
    ),
  )
  return table(found, (one) => ({
    group: one[group] ?? '',
    values: { trained_tokens: one.trained_tokens, device_seconds: one.device_seconds, jobs: one.num_jobs },
  }))
}

async function costs(by: By, asked: Asked, signal: AbortSignal): Promise<UsageTable> {
  const group = costGroup(by)
  const found = await buckets((page) =>
    body(
      api.GET('/v1/organization/costs', { params: { query: { ...asked, group_by: [group], page } }, signal }),
    ),
  )
  const currency = found.flatMap(({ results }) => results)[0]?.amount.currency ?? null
  return table(
    found,
    // a line item reads `model, what`: what was used of it is the server's business, the model is ours
    (one) => ({ group: (one[group] ?? '').replace(/, [a-z_]+$/, ''), values: { amount: one.amount.value } }),
    currency,
  )
}
