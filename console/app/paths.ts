/** Every address of the console, below `/console`. No page writes one by hand. */

type Query = Record<string, string | number | undefined>

function withQuery(path: string, query: Query = {}): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== '') search.set(name, `${value}`)
  const text = search.toString()
  return text ? `${path}?${text}` : path
}

export const BASENAME = '/console'

export const paths = {
  overview: () => '/',
  login: (next?: string) => withQuery('/login', { next }),
  jobs: (
    query: {
      status?: string
      q?: string
      base?: string
      meta?: string
      after?: string | undefined
      before?: string | undefined
    } = {},
  ) => withQuery('/jobs', query),
  newJob: (query: { method?: string; from?: string; model?: string; file?: string } = {}) =>
    withQuery('/jobs/new', query),
  job: (id: string, query: { tab?: string; vs?: string } = {}) =>
    withQuery(`/jobs/${encodeURIComponent(id)}`, query),
  playground: (query: { m?: string | string[] } = {}) => {
    const models = [query.m ?? []].flat().map((model) => `m=${encodeURIComponent(model)}`)
    return models.length ? `/playground?${models.join('&')}` : '/playground'
  },
  models: (query: { kind?: string; q?: string } = {}) => withQuery('/models', query),
  model: (name: string) => `/models/${encodeURIComponent(name)}`,
  datasets: (query: { purpose?: string; q?: string; after?: string; before?: string } = {}) =>
    withQuery('/datasets', query),
  dataset: (
    id: string,
    query: {
      tab?: string
      line?: number
      before?: number
      model?: string
      only?: string
      against?: string
    } = {},
  ) => withQuery(`/datasets/${encodeURIComponent(id)}`, query),
  draft: (name: string, query: { from?: number } = {}) =>
    withQuery(`/datasets/draft/${encodeURIComponent(name)}`, query),
  keys: (query: { project?: string } = {}) => withQuery('/keys', query),
  usage: () => '/usage',
  settings: () => '/settings',
  /** What the build has put beside the pages: the sample sets. */
  sample: (set: string, part: 'train' | 'valid') => `${BASENAME}/samples/${set}/${part}.jsonl`,
}
