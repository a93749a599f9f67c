/** What was lost with the connection: asked for again until it is there, for no browser tells of a server's restart. */
import type { Query, QueryClient } from '@tanstack/react-query'
import { isApiError } from './client'
import { LONGEST_MS, SEEN_MS } from './poll'

const isLost = (query: Query): boolean =>
  query.isActive() &&
  [query.state.error, query.state.fetchFailureReason].some((error) => isApiError(error) && error.isOffline)

/** Without data it forgets its error while it is asked again. */
const isAskedAgain = ({ state }: Query): boolean =>
  state.status === 'pending' && state.fetchStatus === 'fetching' && state.fetchFailureReason === null

export type Connection = {
  /** Until what it returns is called, what was lost is asked for again. */
  subscribe: (listener: () => void) => () => void
  /** Unix milliseconds of the oldest data in view that could not be renewed; 0 for none at all; null: all is well. */
  since: () => number | null
}

export function connectionOf(client: QueryClient): Connection {
  const cache = client.getQueryCache()
  let lost: Query[] = []
  const look = () => {
    lost = cache
      .getAll()
      .filter((query) => isLost(query) || (lost.includes(query) && query.isActive() && isAskedAgain(query)))
  }
  const subscribe = (listener: () => void) => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let waitMs = SEEN_MS
    const again = async () => {
      await client.refetchQueries({ predicate: (query) => lost.includes(query) }, { cancelRefetch: false })
      look()
      waitMs = lost.length ? Math.min(LONGEST_MS, waitMs * 2) : SEEN_MS
      timer = undefined
      hear()
    }
    const plan = () => {
      look()
      if (lost.length && !left) timer ??= setTimeout(again, waitMs)
    }
    const hear = () => {
      plan()
      listener()
    }
    let left = false
    const stop = cache.subscribe(hear)
    plan()
    return () => {
      left = true
      clearTimeout(timer)
      stop()
    }
  }
  return {
    subscribe,
    since: () => (lost.length ? Math.min(...lost.map(({ state }) => state.dataUpdatedAt)) : null),
  }
}
