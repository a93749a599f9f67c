/** A job's state as a shape, a word and a colour, so that none of the three is needed alone. */
import { isStatus } from '@/api/states'
import { useT } from '@/i18n'
import styles from './StateBadge.module.css'
import { shapeOf } from './stateShapes'

export function StateBadge({ status }: { status: string }) {
  const t = useT()
  return (
    <span className={styles.badge} data-state={status}>
      <svg aria-hidden="true" width="14" height="14" viewBox="0 0 16 16">
        <path d={shapeOf(status)} />
      </svg>
      {isStatus(status) ? t.states.names[status] : status}
    </span>
  )
}
