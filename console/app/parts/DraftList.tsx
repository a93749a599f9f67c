/** The drafts of this browser: what each holds, and how far it is from a file that a job takes. */
import { Link } from 'react-router'
import type { Draft } from '@/api/drafts'
import { useT } from '@/i18n'
import { byServer } from '@/lib/now'
import { count } from '@/lib/number'
import { Age } from '@/parts/Age'
import { paths } from '@/paths'
import styles from './DraftList.module.css'
import { useDrafts, useFill } from './useDrafts'

/** `onlyPending`: only those with rows that no file has yet. Nothing at all where there is no draft. */
export function DraftList({ onlyPending }: { onlyPending?: boolean }) {
  const t = useT()
  const { data } = useDrafts()
  const shown = (data ?? []).filter((draft) => draft.pending || !onlyPending)
  if (!shown.length) return null
  const pending = shown.reduce((sum, draft) => sum + draft.pending, 0)
  return (
    <section className={styles.block} data-bare={onlyPending || undefined} aria-labelledby="drafts">
      <div className={styles.head}>
        <h2 id="drafts">{t.drafts.title}</h2>
        {pending > 0 && (
          <span className="quiet">{t.drafts.pending({ count: pending, text: count(pending) })}</span>
        )}
      </div>
      <ul className={styles.list}>
        {shown.map((draft) => (
          <Row key={draft.id} draft={draft} />
        ))}
      </ul>
    </section>
  )
}

function Row({ draft }: { draft: Draft }) {
  const t = useT()
  const fill = useFill()
  const { name, kind, pending, rows, changedMs, uploaded } = draft
  return (
    <li className={styles.row}>
      <Link to={paths.draft(name)} className={styles.name}>
        {name}
      </Link>
      <span className={styles.kind}>{kind ? t.drafts.kinds[kind] : t.drafts.empty}</span>
      <span>{fill(draft)}</span>
      {uploaded && rows > 0 && (
        <span className="quiet">
          {pending ? t.drafts.pending({ count: pending, text: count(pending) }) : t.drafts.allUploaded}
        </span>
      )}
      <span className={styles.age}>
        <Age unixS={byServer(changedMs)} />
      </span>
    </li>
  )
}
