/** What this machine trains on, what is free of it, and how much waits for it. */
import { useQuery } from '@tanstack/react-query'
import { serverQuery } from '@/api/server'
import { useT } from '@/i18n'
import { bytes, count } from '@/lib/number'
import styles from './Overview.module.css'

/** Memory comes and goes with the jobs, and nobody watches it grow. */
const AGAIN_MS = 10_000

export function Devices() {
  const t = useT()
  const { data: server } = useQuery({ ...serverQuery(), refetchInterval: AGAIN_MS })
  if (!server) return null
  const { n_running, n_queued } = server.training
  return (
    <section>
      <h2 className={styles.heading}>{t.overview.devices}</h2>
      <ul className={styles.rows}>
        {server.devices.map(({ id, name, memory_bytes, free_bytes }) => (
          <li key={id} className={styles.row}>
            <span className={styles.name}>{id}</span>
            <span className={styles.reason}>{name}</span>
            <span className={styles.progress}>
              <meter
                min={0}
                max={memory_bytes}
                value={memory_bytes - free_bytes}
                aria-label={t.overview.memoryOf({ device: id })}
              />
              {t.overview.free({ free: bytes(free_bytes), all: bytes(memory_bytes) })}
            </span>
          </li>
        ))}
      </ul>
      <p className={styles.queue}>
        {t.overview.queue({
          running: n_running,
          runningText: count(n_running),
          queued: n_queued,
          queuedText: count(n_queued),
        })}
      </p>
    </section>
  )
}
