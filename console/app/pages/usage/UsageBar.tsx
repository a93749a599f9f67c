/** What the report is about: which report, by what, and of which days. */
import { type By, GROUPS, type Show } from '@/api/usage'
import { useT } from '@/i18n'
import { DAY_S, dayName, today } from '@/lib/usage'
import { Segments } from '@/ui/Field'
import { DayField } from './DayField'
import styles from './Usage.module.css'

export const SHOWS = ['served', 'trained', 'costs'] as const
export const BYS = ['model', 'api_key_id', 'project_id', 'fine_tuning_job_id'] as const
export const SPANS = { week: 7, month: 30, quarter: 90 } as const
const SPAN_NAMES = Object.keys(SPANS) as (keyof typeof SPANS)[]

type Props = {
  show: Show
  by: By
  fromS: number
  toS: number
  onShow: (show: Show) => void
  onBy: (by: By) => void
  /** Days by their names; '' stands for today as it moves on. */
  onDays: (changed: { from?: string; to?: string }) => void
}

export function UsageBar({ show, by, fromS, toS, onShow, onBy, onDays }: Props) {
  const t = useT()
  const span =
    toS === today() ? SPAN_NAMES.find((one) => fromS === today() - (SPANS[one] - 1) * DAY_S) : undefined
  return (
    <div className={styles.bar}>
      <Segments
        legend={t.usage.show}
        hidden
        value={show}
        options={SHOWS.map((one) => ({ value: one, label: t.usage.shows[one] }))}
        onChange={onShow}
      />
      <Segments
        legend={t.usage.by}
        hidden
        value={by}
        options={BYS.map((one) => ({
          value: one,
          label: t.usage.bys[one],
          disabledReason: GROUPS[show].includes(one)
            ? undefined
            : one === 'api_key_id'
              ? t.usage.notByKey
              : t.usage.notByJob,
        }))}
        onChange={onBy}
      />
      <span className={styles.space} />
      <Segments
        legend={t.usage.span}
        hidden
        value={span ?? ''}
        options={SPAN_NAMES.map((one) => ({ value: one, label: t.usage.spans[one] }))}
        onChange={(chosen) =>
          onDays({ from: dayName(today() - (SPANS[chosen as keyof typeof SPANS] - 1) * DAY_S), to: '' })
        }
      />
      <div className={styles.days}>
        <DayField label={t.usage.from} dayS={fromS} onChange={(from) => onDays({ from })} />
        <DayField label={t.usage.to} dayS={toS} onChange={(to) => onDays({ to })} />
      </div>
    </div>
  )
}
