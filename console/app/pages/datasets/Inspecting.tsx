/** How far the server's look at a file has come. */
import type { Progress } from '@/api/report'
import { useT } from '@/i18n'
import { count } from '@/lib/number'
import { Heard } from '@/parts/Heard'
import styles from './Dataset.module.css'

export function Inspecting({ progress }: { progress: Progress }) {
  const t = useT()
  const phase = t.datasets.phases[progress.phase]
  const total = progress.lines_total
  const words = total
    ? t.datasets.phaseOf({ phase, done: count(progress.lines_done), total: count(total) })
    : phase
  return (
    <div className={styles.inspecting}>
      <Heard words={words} share={total ? progress.lines_done / total : 0} phase={progress.phase} />
      {total ? (
        <progress max={total} value={progress.lines_done} aria-label={phase} />
      ) : (
        <progress aria-label={phase} />
      )}
    </div>
  )
}
