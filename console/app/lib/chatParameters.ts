/** What a chat is asked with besides its messages: as typed, as the URL has it, and as the request wants it. */

export const PARAMETERS = {
  temperature: { url: 't', least: 0, most: 2, whole: false },
  top_p: { url: 'p', least: 0, most: 1, whole: false },
  max_completion_tokens: { url: 'max', least: 1, most: 131_072, whole: true },
  seed: { url: 'seed', least: Number.MIN_SAFE_INTEGER, most: Number.MAX_SAFE_INTEGER, whole: true },
  frequency_penalty: { url: 'fp', least: -2, most: 2, whole: false },
  presence_penalty: { url: 'pp', least: -2, most: 2, whole: false },
} as const
export type NumberName = keyof typeof PARAMETERS
export const NUMBER_NAMES = Object.keys(PARAMETERS) as NumberName[]
export const MOST_STOPS = 4
/** Models that are asked side by side. */
export const MOST_COLUMNS = 3

/** As typed; an empty text leaves it to the server. */
export type Parameters_ = { numbers: Record<NumberName, string>; stop: string[]; logprobs: boolean }

/** `t` of the first column, which is that of all while they share; `t2` and `t3` of the others. */
const inColumn = (name: string, column: number): string => (column ? `${name}${column + 1}` : name)

/** Colours are a matter of the page: all columns have them or none. */
export function fromUrl(search: URLSearchParams, column = 0): Parameters_ {
  const numbers = Object.fromEntries(
    NUMBER_NAMES.map((name) => [
      name,
      (search.get(inColumn(PARAMETERS[name].url, column)) ?? '').slice(0, 24),
    ]),
  ) as Record<NumberName, string>
  const stop = search.getAll(inColumn('stop', column)).slice(0, MOST_STOPS)
  return { numbers, stop, logprobs: search.get('lp') === '1' }
}

export const NO_PARAMETERS: Parameters_ = {
  numbers: Object.fromEntries(NUMBER_NAMES.map((name) => [name, ''])) as Record<NumberName, string>,
  stop: [],
  logprobs: false,
}

export function toUrl(search: URLSearchParams, { numbers, stop, logprobs }: Parameters_, column = 0): void {
  for (const name of NUMBER_NAMES) {
    const typed = numbers[name].trim()
    const url = inColumn(PARAMETERS[name].url, column)
    if (typed) search.set(url, typed)
    else search.delete(url)
  }
  search.delete(inColumn('stop', column))
  for (const text of stop) search.append(inColumn('stop', column), text)
  if (logprobs) search.set('lp', '1')
  else search.delete('lp')
}

const EACH = 'each'
/** Whether each column has parameters of its own. */
export const hasEach = (search: URLSearchParams): boolean => search.get(EACH) === '1'

/** The parameters of each column: one and the same while they share. */
export function allFromUrl(search: URLSearchParams, columns: number): Parameters_[] {
  const first = fromUrl(search)
  return Array.from({ length: Math.max(1, columns) }, (_, column) =>
    column && hasEach(search) ? fromUrl(search, column) : first,
  )
}

/** `each`: every column keeps its own; else all have the first one's. */
export function allToUrl(search: URLSearchParams, parameters: readonly Parameters_[], each: boolean): void {
  const shared = parameters[0] ?? NO_PARAMETERS
  if (each) search.set(EACH, '1')
  else search.delete(EACH)
  for (let column = 0; column < MOST_COLUMNS; column++) {
    const own = column === 0 ? shared : (each && parameters[column]) || NO_PARAMETERS
    toUrl(search, { ...own, logprobs: shared.logprobs }, column)
  }
}

/** Whether what was typed is a number that the server takes; nothing typed is. */
export function isGood(name: NumberName, typed: string): boolean {
  if (!typed.trim()) return true
  const value = Number(typed)
  const { least, most, whole } = PARAMETERS[name]
  return Number.isFinite(value) && value >= least && value <= most && (!whole || Number.isInteger(value))
}

export type Asked = Partial<Record<NumberName, number>> & {
  stop?: string[]
  logprobs?: true
  top_logprobs?: number
}

/** As the request has it; what is not good is left out. */
export function asked({ numbers, stop, logprobs }: Parameters_): Asked {
  const found: Asked = {}
  for (const name of NUMBER_NAMES) {
    const typed = numbers[name].trim()
    if (typed && isGood(name, typed)) found[name] = Number(typed)
  }
  const stops = stop.filter(Boolean)
  if (stops.length) found.stop = stops
  if (logprobs) Object.assign(found, { logprobs: true, top_logprobs: 5 })
  return found
}

/** `\n` is how a line break is typed in a field of one line. */
export const unescaped = (typed: string): string =>
  typed.replace(/\\([nt\\])/g, (_, letter: string) => ({ n: '\n', t: '\t' })[letter] ?? '\\')
export const escaped = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\t', '\\t')
