/** Usage by day: bars to see, a table to rely on, and the same as CSV. */
import { useQuery } from '@tanstack/react-query'
import { save } from '@/api/files'
import { isForbidden } from '@/api/organization'
import { hasPrices, serverQuery } from '@/api/server'
import { type By, callOf, GROUPS, type Show, usageQuery, VALUES } from '@/api/usage'
import { Page } from '@/frame/Page'
import { useUrlState } from '@/frame/useUrlState'
import { useT } from '@/i18n'
import { oneOf, text } from '@/lib/urlState'
import { barsOf, DAY_S, dayName, dayOf, daysOf, today, usageCsv } from '@/lib/usage'
import { DayBars } from '@/parts/DayBars'
import { NotAllowed } from '@/parts/NotAllowed'
import { Problem } from '@/parts/Problem'
import { CodeButton } from '@/parts/ViewCode'
import { Button } from '@/ui/Button'
import { Field, Select } from '@/ui/Field'
import { Skeleton } from '@/ui/Skeleton'
import { formatOf, useGroupName } from './naming'
import styles from './Usage.module.css'
import { BYS, SHOWS, SPANS, UsageBar } from './UsageBar'
import { DayTable, TotalsTable } from './UsageTables'

const SHOW = oneOf(...SHOWS)
const BY = oneOf(...BYS)
const MOST_DAYS = 366
/** As many as there are colours. */
const MOST_GROUPS = 8

export function Usage() {
  const t = useT()
  const [show, setShow] = useUrlState<Show>('show', SHOW)
  const [wantedBy, setBy] = useUrlState<By>('by', BY)
  const [wantedValue, setValue] = useUrlState('value', text)
  const [from, setFrom] = useUrlState('from', text)
  const [to, setTo] = useUrlState('to', text)
  const by = GROUPS[show].includes(wantedBy) ? wantedBy : 'model'
  const toS = dayOf(to) ?? today()
  const fromS = Math.max(
    toS - (MOST_DAYS - 1) * DAY_S,
    Math.min(toS, dayOf(from) ?? toS - (SPANS.month - 1) * DAY_S),
  )
  const span = { fromS, toS }
  const { data, error, refetch, isPending, isPlaceholderData } = useQuery(usageQuery(show, by, span))
  const { data: server } = useQuery({ ...serverQuery(), enabled: show === 'costs' })
  const nameOf = useGroupName(by)
  if (isForbidden(error)) {
    return (
      <Page title={t.usage.title}>
        <NotAllowed title={t.usage.notAllowed} text={t.usage.notAllowedText} />
      </Page>
    )
  }
  const values = VALUES[show]
  const value = values.find((one) => one === wantedValue) ?? (values[0] as string)
  const days = daysOf(fromS, toS)
  const rows = (data?.rows ?? []).filter((row) => Object.values(row.values).some((one) => one > 0))
  const currency = data?.currency ?? null
  const whyNot = isPlaceholderData ? t.usage.loading : undefined
  const csv = (guarded: boolean) => {
    const named = rows.map((row) => ({ ...row, group: nameOf(row.group) }))
    const content = usageCsv(named, by, values, guarded)
    save(new Blob([content], { type: 'text/csv' }), `usage-${show}-${dayName(fromS)}-${dayName(toS)}.csv`)
  }
  return (
    <Page title={t.usage.title} lead={t.usage.lead} actions={<CodeButton call={callOf(show, by, span)} />}>
      <UsageBar
        show={show}
        by={by}
        fromS={fromS}
        toS={toS}
        onShow={setShow}
        onBy={setBy}
        onDays={(changed) => {
          if (changed.from !== undefined) setFrom(changed.from)
          if (changed.to !== undefined) setTo(changed.to)
        }}
      />
      {error && <Problem error={error} onRetry={refetch} />}
      {isPending && <Skeleton height="14rem" />}
      {data && !rows.length && (
        <p className={styles.empty}>
          {show !== 'costs'
            ? t.usage.empty
            : server && !hasPrices(server)
              ? t.usage.noPrices
              : t.usage.emptyCosts}
        </p>
      )}
      {rows.length > 0 && (
        <div className={styles.page} aria-busy={isPlaceholderData}>
          {values.length > 1 && (
            <div className={styles.drawn}>
              <Field label={t.usage.drawn}>
                {(tied) => (
                  <Select
                    {...tied}
                    value={value}
                    onChange={({ target }) => setValue(target.value === values[0] ? '' : target.value)}
                  >
                    {values.map((one) => (
                      <option key={one} value={one}>
                        {t.usage.values[one] ?? one}
                      </option>
                    ))}
                  </Select>
                )}
              </Field>
            </div>
          )}
          <DayBars
            days={days}
            bars={barsOf(rows, days, value, MOST_GROUPS, t.usage.rest)}
            caption={t.usage.chart({ what: t.usage.values[value] ?? value })}
            nameOf={(group) => (group === t.usage.rest ? group : nameOf(group))}
            dayName={dayName}
            format={formatOf(value, currency)}
            hint={t.usage.hint}
          />
          <section className={styles.section}>
            <div className={styles.head}>
              <h2 className={styles.headTitle}>{t.usage.totals}</h2>
              <Button small icon="download" disabledReason={whyNot} onClick={() => csv(false)}>
                {t.usage.csv}
              </Button>
              <Button
                small
                icon="download"
                disabledReason={whyNot}
                title={t.usage.sheetHint}
                onClick={() => csv(true)}
              >
                {t.usage.sheet}
              </Button>
            </div>
            <TotalsTable rows={rows} show={show} by={by} currency={currency} nameOf={nameOf} />
          </section>
          <details>
            <summary>
              <h2>{t.usage.byDay}</h2>
            </summary>
            <DayTable rows={rows} show={show} by={by} currency={currency} nameOf={nameOf} />
          </details>
        </div>
      )}
    </Page>
  )
}
