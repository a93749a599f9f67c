/** The stages of a job in a row, with the time spent in each. */
import { useT } from '@/i18n'
import { clock, count, duration, moment } from '@/lib/number'
import { type Entry, lengths } from '@/lib/timeline'
import { useNow } from './Age'
import styles from './Timeline.module.css'

const ENDS = new Set(['succeeded', 'failed', 'cancelled'])
/** Marks on the way: when they were matters more than how long they took. */
const MARKS = new Set(['interrupted', 'resumed', 'paused'])
const TROUBLES = new Set(['interrupted', 'failed'])

export function Timeline({ entries, live }: { entries: Entry[]; live: boolean }) {
  const t = useT()
  const now = useNow(1_000)
  const spent = lengths(entries, live ? now : null)
  return (
    <ol className={styles.timeline} aria-label={t.job.timeline}>
      {entries.map((entry, index) => {
        const seconds = spent[index] ?? null
        const last = index === entries.length - 1
        return (
          <li
            key={`${entry.stage}-${entry.atS}-${index}`}
            title={`${moment(entry.atS)}: ${entry.message}`}
            data-kind={TROUBLES.has(entry.stage) ? 'trouble' : last ? (live ? 'now' : 'end') : 'past'}
          >
            <span className={styles.stage}>{t.job.stages[entry.stage]}</span>
            <span className={styles.detail}>
              {MARKS.has(entry.stage) && seconds !== null && `${clock(entry.atS)} · `}
              {ENDS.has(entry.stage) || seconds === null ? moment(entry.atS) : duration(seconds)}
              {entry.step ? ` · ${t.job.atStep({ step: count(entry.step) })}` : ''}
              {entry.ahead ? ` · ${t.job.behind({ count: entry.ahead })}` : ''}
            </span>
          </li>
        )
      })}
    </ol>
  )
}
