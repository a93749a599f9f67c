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

/** As typed; an empty text leaves it to the server. */
export type Parameters_ = { numbers: Record<NumberName, string>; stop: string[]; logprobs: boolean }

export function fromUrl(search: URLSearchParams): Parameters_ {
  const numbers = Object.fromEntries(
    NUMBER_NAMES.map((name) => [name, (search.get(PARAMETERS[name].url) ?? '').slice(0, 24)]),
  ) as Record<NumberName, string>
  return { numbers, stop: search.getAll('stop').slice(0, MOST_STOPS), logprobs: search.get('lp') === '1' }
}

export function toUrl(search: URLSearchParams, { numbers, stop, logprobs }: Parameters_): void {
  for (const name of NUMBER_NAMES) {
    const typed = numbers[name].trim()
    if (typed) search.set(PARAMETERS[name].url, typed)
    else search.delete(PARAMETERS[name].url)
  }
  search.delete('stop')
  for (const text of stop) search.append('stop', text)
  if (logprobs) search.set('lp', '1')
  else search.delete('lp')
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
