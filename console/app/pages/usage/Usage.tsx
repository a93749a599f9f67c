/** Usage by day: bars to see, a table to rely on, and the same as CSV. */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { save } from '@/api/files'
import { isForbidden } from '@/api/organization'
import { type By, GROUPS, type Show, usageQuery, VALUES } from '@/api/usage'
import { Page } from '@/frame/Page'
import { useUrlState } from '@/frame/useUrlState'
import { useT } from '@/i18n'
import { oneOf, text } from '@/lib/urlState'
import { barsOf, DAY_S, dayName, dayOf, daysOf, today, usageCsv } from '@/lib/usage'
import { DayBars } from '@/parts/DayBars'
import { NotAllowed } from '@/parts/NotAllowed'
import { Problem } from '@/parts/Problem'
import { Button } from '@/ui/Button'
import { Field, Input, Segments } from '@/ui/Field'
import { Skeleton } from '@/ui/Skeleton'
import { formatOf, useGroupName } from './naming'
import styles from './Usage.module.css'
import { DayTable, TotalsTable } from './UsageTables'

const SHOW = oneOf('served', 'trained', 'costs')
const BY = oneOf('model', 'api_key_id', 'project_id')
const SPANS = { week: 7, month: 30, quarter: 90 } as const
const MOST_DAYS = 366
/** As many as there are colours. */
const MOST_GROUPS = 8

export function Usage() {
  const t = useT()
  const [show, setShow] = useUrlState<Show>('show', SHOW)
  const [wantedBy, setBy] = useUrlState<By>('by', BY)
  const [from, setFrom] = useUrlState('from', text)
  const [to, setTo] = useUrlState('to', text)
  const by = GROUPS[show].includes(wantedBy) ? wantedBy : 'model'
  const toS = dayOf(to) ?? today()
  const fromS = Math.max(
    toS - (MOST_DAYS - 1) * DAY_S,
    Math.min(toS, dayOf(from) ?? toS - (SPANS.month - 1) * DAY_S),
  )
  const { data, error, refetch, isPending } = useQuery({
    ...usageQuery(show, by, { fromS, toS }),
    placeholderData: keepPreviousData,
  })
  const nameOf = useGroupName(by)
  if (isForbidden(error)) {
    return (
      <Page title={t.usage.title}>
        <NotAllowed title={t.usage.notAllowed} text={t.usage.notAllowedText} />
      </Page>
    )
  }
  const value = VALUES[show][0] as string
  const days = daysOf(fromS, toS)
  const rows = (data?.rows ?? []).filter((row) => Object.values(row.values).some((one) => one > 0))
  const format = formatOf(value, data?.currency ?? null)
  const span = (Object.keys(SPANS) as (keyof typeof SPANS)[]).find(
    (one) => !to && fromS === today() - (SPANS[one] - 1) * DAY_S,
  )
  const csv = () => {
    const named = rows.map((row) => ({ ...row, group: nameOf(row.group) }))
    const content = usageCsv(named, by, VALUES[show])
    save(new Blob([content], { type: 'text/csv' }), `usage-${show}-${dayName(fromS)}-${dayName(toS)}.csv`)
  }
  return (
    <Page title={t.usage.title} lead={t.usage.lead}>
      <div className={styles.bar}>
        <Segments
          legend={t.usage.show}
          hidden
          value={show}
          options={(['served', 'trained', 'costs'] as const).map((one) => ({
            value: one,
            label: t.usage.shows[one],
          }))}
          onChange={setShow}
        />
        <Segments
          legend={t.usage.by}
          hidden
          value={by}
          options={(['model', 'api_key_id', 'project_id'] as const).map((one) => ({
            value: one,
            label: t.usage.bys[one],
            disabledReason: GROUPS[show].includes(one) ? undefined : t.usage.notByKey,
          }))}
          onChange={setBy}
        />
        <span className={styles.space} />
        <Segments
          legend={t.usage.span}
          hidden
          value={span ?? ''}
          options={(Object.keys(SPANS) as (keyof typeof SPANS)[]).map((one) => ({
            value: one,
            label: t.usage.spans[one],
          }))}
          onChange={(chosen) => {
            setTo('')
            setFrom(dayName(today() - (SPANS[chosen as keyof typeof SPANS] - 1) * DAY_S))
          }}
        />
        <div className={styles.days}>
          <DayField label={t.usage.from} dayS={fromS} onChange={setFrom} />
          <DayField label={t.usage.to} dayS={toS} onChange={setTo} />
        </div>
      </div>
      {error && <Problem error={error} onRetry={refetch} />}
      {isPending && <Skeleton height="14rem" />}
      {data && !rows.length && (
        <p className={styles.empty}>{show === 'costs' ? t.usage.emptyCosts : t.usage.empty}</p>
      )}
      {show === 'costs' && data && rows.length === 0 && <p className="quiet">{t.usage.noPrices}</p>}
      {rows.length > 0 && (
        <div className={styles.page}>
          <DayBars
            days={days}
            bars={barsOf(rows, days, value, MOST_GROUPS, t.usage.rest)}
            caption={t.usage.chart({ what: t.usage.values[value] ?? value })}
            nameOf={(group) => (group === t.usage.rest ? group : nameOf(group))}
            dayName={dayName}
            format={format}
            hint={t.usage.hint}
          />
          <section className={styles.section}>
            <div className={styles.head}>
              <h2>{t.usage.totals}</h2>
              <Button small icon="download" onClick={csv}>
                {t.usage.csv}
              </Button>
            </div>
            <TotalsTable rows={rows} show={show} by={by} currency={data?.currency ?? null} nameOf={nameOf} />
          </section>
          <details>
            <summary>
              <h2>{t.usage.byDay}</h2>
            </summary>
            <DayTable rows={rows} show={show} by={by} currency={data?.currency ?? null} nameOf={nameOf} />
          </details>
        </div>
      )}
    </Page>
  )
}

function DayField({
  label,
  dayS,
  onChange,
}: {
  label: string
  dayS: number
  onChange: (day: string) => void
}) {
  return (
    <div className={styles.day}>
      <Field label={label}>
        {(tied) => (
          <Input
            {...tied}
            type="date"
            required
            max={dayName(today())}
            value={dayName(dayS)}
            onChange={(event) => onChange(event.target.value)}
          />
        )}
      </Field>
    </div>
  )
}
