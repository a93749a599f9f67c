/** A job's state as a shape, a word and a colour, so that none of the three is needed alone. */
import { isStatus } from '@/api/states'
import { useT } from '@/i18n'
import styles from './StateBadge.module.css'

const SHAPES: Record<string, string> = {
  validating_files: 'M8 2a6 6 0 1 0 6 6',
  queued: 'M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11M8 5v3.2l2 1.3',
  running: 'M5 3.5v9l7.5-4.5z',
  paused: 'M5.5 3.5v9M10.5 3.5v9',
  succeeded: 'm3 8.5 3.3 3.3L13 4.8',
  failed: 'M8 2.5v6.5M8 12.5v.3',
  cancelled: 'm4 4 8 8M12 4l-8 8',
}

export function StateBadge({ status }: { status: string }) {
  const t = useT()
  return (
    <span className={styles.badge} data-state={status}>
      <svg aria-hidden="true" width="14" height="14" viewBox="0 0 16 16">
        <path d={SHAPES[status] ?? 'M3 8h10'} />
      </svg>
      {isStatus(status) ? t.states.names[status] : status}
    </span>
  )
}
