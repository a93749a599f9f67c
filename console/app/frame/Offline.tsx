/** Says how old the page is while the server does not answer; the data stays. */
import { useQueryClient } from '@tanstack/react-query'
import { useState, useSyncExternalStore } from 'react'
import { connectionOf } from '@/api/reconnect'
import { useT } from '@/i18n'
import { clock } from '@/lib/number'
import { Icon } from '@/ui/Icon'
import styles from './Frame.module.css'

export function Offline() {
  const t = useT()
  const client = useQueryClient()
  const [connection] = useState(() => connectionOf(client))
  const since = useSyncExternalStore(connection.subscribe, connection.since)
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
