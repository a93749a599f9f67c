/** Beside the navigation's datasets: how many saved rows no file has yet. */
import { useT } from '@/i18n'
import { count } from '@/lib/number'
import styles from './DraftCount.module.css'
import { useDrafts } from './useDrafts'

export function DraftCount() {
  const t = useT()
  const { data } = useDrafts()
  const pending = (data ?? []).reduce((sum, draft) => sum + draft.pending, 0)
  if (!pending) return null
  const text = t.drafts.pending({ count: pending, text: count(pending) })
  return (
    <small className={styles.count} title={text}>
      {/* no spans: the frame hides those of a narrow rail */}
      <b aria-hidden="true">{pending > 999 ? '999+' : pending}</b>
      <b className="hidden-text"> ({text})</b>
    </small>
  )
}
