/** What a job would say of a file, in a shape, a word and a colour; it leads to the reasons. */
import { Link } from 'react-router'
import type { FileBrief, ListedFile } from '@/api/files'
import { type Messages, useT } from '@/i18n'
import { count, percent } from '@/lib/number'
import { paths } from '@/paths'
import { Icon, type IconName } from '@/ui/Icon'
import styles from './Datasets.module.css'
import { isLooked } from './useLook'

type Found = { kind: 'good' | 'warn' | 'bad' | 'quiet'; icon: IconName; text: string; why?: string }

function found(file: ListedFile, report: FileBrief, t: Messages): Found {
  const words = t.datasets.verdicts
  const { status, progress, n_problems, n_warnings, code } = report
  if (status !== 'completed') {
    if (status === 'unknown' && !isLooked(file))
      return { kind: 'quiet', icon: 'info', text: words.unknown, why: t.datasets.verdicts.unknownLarge }
    const share = progress?.lines_total ? percent(progress.lines_done / progress.lines_total) : ''
    return { kind: 'quiet', icon: 'clock', text: words.checking({ share }), why: words.unknownWhy }
  }
  if (n_problems)
    return { kind: 'bad', icon: 'close', text: words.errors({ count: n_problems, text: count(n_problems) }) }
  if (code) return { kind: 'bad', icon: 'close', text: words.tooFew }
  if (n_warnings)
    return {
      kind: 'warn',
      icon: 'warn',
      text: words.warnings({ count: n_warnings, text: count(n_warnings) }),
    }
  return { kind: 'good', icon: 'check', text: words.ok }
}

export function Verdict({ file, report }: { file: ListedFile; report: FileBrief }) {
  const t = useT()
  const { kind, icon, text, why } = found(file, report, t)
  const inside = (
    <>
      <Icon name={icon} size={14} />
      {text}
    </>
  )
  return kind === 'bad' || kind === 'warn' ? (
    <Link to={paths.dataset(file.id)} className={styles.verdict} data-kind={kind}>
      {inside}
    </Link>
  ) : (
    <span className={styles.verdict} data-kind={kind} title={why}>
      {inside}
    </span>
  )
}
