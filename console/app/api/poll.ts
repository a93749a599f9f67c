/** How often the console asks again: often while somebody looks, seldom while not, ever slower when unheard. */

export const SEEN_MS = 2_000
export const HIDDEN_MS = 15_000
export const LONGEST_MS = 30_000

type Asked = { state: { fetchFailureCount: number; error: unknown } }

/** A `refetchInterval` for an object that is asked again as long as it can change. */
export function every(alive: (() => boolean) | boolean): (query: Asked) => number | false {
  return (query) => {
    if (!(typeof alive === 'function' ? alive() : alive)) return false
    const usual = document.visibilityState === 'visible' ? SEEN_MS : HIDDEN_MS
    const failures = query.state.fetchFailureCount
    return query.state.error || failures ? Math.min(LONGEST_MS, usual * 2 ** Math.min(4, failures)) : usual
  }
}
