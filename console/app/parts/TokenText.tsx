/**
 * The tokens of a row as the trainer sees them: trained ones filled and underlined, others plain, those behind
 * the context's end struck. Drawn as runs, not token by token, so that thousands of tokens cost little; where the
 * runs tell their tokens' sizes, thin lines stand between them.
 */
import { useMemo } from 'react'
import type { TokenRun } from '@/api/report'
import { useT } from '@/i18n'
import { count } from '@/lib/number'
import { type ShownRun, shownRuns } from '@/lib/runs'
import { harmless } from '@/lib/visible'
import styles from './TokenText.module.css'

const fate = ({ trained, cut }: ShownRun) => (cut ? 'cut' : trained ? 'trained' : 'plain')

/** Runs of one message together: what follows with the same role belongs to it. */
function messages(runs: ShownRun[]): { role: string | null; runs: ShownRun[] }[] {
  const found: { role: string | null; runs: ShownRun[] }[] = []
  for (const run of runs) {
    const last = found.at(-1)
    if (last && last.role === run.role) last.runs.push(run)
    else found.push({ role: run.role, runs: [run] })
  }
  return found
}

export function TokenText({ runs }: { runs: readonly TokenRun[] }) {
  const shown = useMemo(() => messages(shownRuns(runs)), [runs])
  return (
    <div className={styles.text}>
      {shown.map((message, index) => (
        <div key={index} className={styles.message}>
          <span className={styles.role}>{message.role}</span>
          <div>
            {message.runs.map((run, at) => (
              <Run key={at} run={run} />
            ))}
          </div>
        </div>
      ))}
    </div>
  )
}

function Run({ run }: { run: ShownRun }) {
  const t = useT()
  const kind = fate(run)
  const title = `${t.datasets.fates[kind]} · ${t.datasets.tokens({ count: count(run.tokens) })}`
  const text = run.pieces
    ? run.pieces.map((piece, index) => (
        <span key={index} className={styles.token} data-token>
          {harmless(piece)}
        </span>
      ))
    : harmless(run.text)
  if (kind === 'plain') return <span title={title}>{text}</span>
  return kind === 'trained' ? (
    <mark className={styles.trained} title={title}>
      {text}
    </mark>
  ) : (
    <del className={styles.cut} title={title}>
      {text}
    </del>
  )
}

export function TokenLegend() {
  const t = useT()
  return (
    <p className={styles.legend}>
      <mark className={styles.trained}>{t.datasets.fates.trained}</mark>
      <span className={styles.plain}>{t.datasets.fates.plain}</span>
      <del className={styles.cut}>{t.datasets.fates.cut}</del>
    </p>
  )
}
