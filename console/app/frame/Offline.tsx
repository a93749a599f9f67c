/** Says how old the page is while the server does not answer; the data stays. */
import { useQueryClient } from '@tanstack/react-query'
import { useSyncExternalStore } from 'react'
import { isApiError } from '@/api/client'
import { useT } from '@/i18n'
import { clock } from '@/lib/number'
import { Icon } from '@/ui/Icon'
import styles from './Frame.module.css'

/** Unix milliseconds of the oldest data in view that could not be renewed; 0 for none at all; null: all is well. */
function useStaleSince(): number | null {
  const client = useQueryClient()
  const cache = client.getQueryCache()
  return useSyncExternalStore(
    (listener) => cache.subscribe(listener),
    () => {
      const lost = cache
        .getAll()
        .filter((query) => query.isActive())
        .filter(({ state }) =>
          [state.error, state.fetchFailureReason].some((e) => isApiError(e) && e.isOffline),
        )
      return lost.length ? Math.min(...lost.map((query) => query.state.dataUpdatedAt)) : null
    },
  )
}

export function Offline() {
  const t = useT()
  const since = useStaleSince()
  return (
    <div role="status">
      {since !== null && (
        <p className={styles.offline}>
          <Icon name="warn" />
          {since ? t.frame.reconnecting({ at: clock(since / 1000) }) : t.frame.offline}
        </p>
      )}
    </div>
  )
}
