/** What training on the file would take, with everything else left to the server. */
import { useQuery } from '@tanstack/react-query'
import type { FileObject } from '@/api/client'
import { estimateQuery } from '@/api/estimate'
import type { ReportBody } from '@/api/report'
import { useT } from '@/i18n'
import { compact, count, duration, money } from '@/lib/number'
import styles from './Dataset.module.css'

type Props = { file: FileObject; report: ReportBody; base: string }

export function FileForecast({ file, report, base }: Props) {
  const t = useT()
  const words = t.datasets.stats
  const type = report.format === 'preference' ? 'dpo' : 'supervised'
  const asked = { model: base, training_file: file.id, method: { type } } as const
  const { data, isPlaceholderData } = useQuery(estimateQuery(report.as_training_file.ok ? asked : null))
  if (!data || isPlaceholderData) return null
  const { tokens, steps, seconds, cost } = data
  if (!tokens || !steps || !seconds) return null
  const epochs = Math.round(steps.total / Math.max(1, steps.per_epoch))
  const [least, most] = [duration(seconds.low), duration(seconds.high)]
  const [cheap, dear] = cost ? [money(cost.low, cost.currency), money(cost.high, cost.currency)] : []
  return (
    <p className={styles.forecast}>
      {words.forecast({
        tokens: compact(tokens.trained_total),
        time: least === most ? least : words.between({ low: least, high: most }),
        cost: cheap && dear ? (cheap === dear ? cheap : words.between({ low: cheap, high: dear })) : null,
        epochs,
        text: count(epochs),
      })}
    </p>
  )
}
