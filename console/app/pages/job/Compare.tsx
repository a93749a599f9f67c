/** Other jobs beside this one: which they are, and in which settings they differ. */
import { useQuery } from '@tanstack/react-query'
import { memo, useId } from 'react'
import { Link } from 'react-router'
import type { Job } from '@/api/client'
import { sentence } from '@/api/errors'
import { jobNamesQuery, methodOf, nameOf, settingsOf } from '@/api/jobs'
import { type Messages, useT } from '@/i18n'
import { DASHES } from '@/parts/chart/model'
import { Swatch } from '@/parts/chart/Swatch'
import { paths } from '@/paths'
import { Button } from '@/ui/Button'
import { Combobox } from '@/ui/Combobox'
import { Icon } from '@/ui/Icon'
import { Table } from '@/ui/Table'
import styles from './Metrics.module.css'
import { MOST_COMPARED } from './view'

/** A job that was to be compared and cannot be read. */
export type Lost = { id: string; error: unknown }
type Props = {
  job: Job
  others: Job[]
  lost: Lost[]
  ids: string[]
  onVersus: (ids: string[]) => void
}

/** Has no part in a pan, and is not drawn again for one. */
export const Compare = memo(function Compare({ job, others, lost, ids, onVersus }: Props) {
  const t = useT()
  const field = useId()
  const jobs = [job, ...others]
  const { data, refetch } = useQuery(jobNamesQuery())
  const open = (data?.data ?? []).filter((one) => one.id !== job.id && !ids.includes(one.id))
  const full = ids.length + 1 >= MOST_COMPARED
  const remove = (id: string, name: string) => (
    <Button
      kind="quiet"
      small
      icon="close"
      aria-label={t.chart.compareRemove({ name })}
      onClick={() => onVersus(ids.filter((one) => one !== id))}
    />
  )
  return (
    <section className={styles.compare}>
      <h2>{t.chart.compare}</h2>
      {others.length > 0 && (
        <>
          <ul className={styles.compared}>
            {jobs.map((one, index) => (
              <li key={one.id}>
                <Swatch line={{ kind: 'line', colour: index + 1, dash: DASHES[index] }} />
                <Link to={paths.job(one.id)}>{nameOf(one)}</Link>
                {index > 0 && remove(one.id, nameOf(one))}
              </li>
            ))}
          </ul>
          <p className="quiet">{t.chart.compareHint}</p>
          <Differences jobs={jobs} />
        </>
      )}
      {lost.map(({ id, error }) => (
        <p key={id} className={styles.lost}>
          <Icon name="warn" size={14} />
          {t.chart.compareLost({ id, why: sentence(error, t) })}
          {remove(id, id)}
        </p>
      ))}
      {full ? (
        <p className="quiet">{t.chart.compareFull}</p>
      ) : (
        <div className={styles.add}>
          <label className="hidden-text" htmlFor={field}>
            {t.chart.compareWith}
          </label>
          <Combobox
            id={field}
            value=""
            placeholder={t.chart.compareAdd}
            onFocus={() => refetch()}
            choices={open.map((one) => ({
              value: one.id,
              label: nameOf(one),
              detail: `${one.model} · ${one.id}`,
              words: `${one.model} ${one.id}`,
            }))}
            onChange={(id) => onVersus([...ids, id])}
          />
        </div>
      )}
    </section>
  )
})

function Differences({ jobs }: { jobs: Job[] }) {
  const t = useT()
  const rows = facts(jobs, t).filter(({ values }) => new Set(values).size > 1)
  if (!rows.length) return <p className="quiet">{t.chart.compareSame}</p>
  return (
    <Table
      caption={t.chart.compareDiffers}
      columns={[
        { key: 'name', head: t.config.setting, cell: (row) => <strong>{row.name}</strong>, bare: true },
        ...jobs.map((job, index) => ({
          key: job.id,
          head: nameOf(job),
          number: true,
          cell: (row: Fact) => <span className="mono">{row.values[index]}</span>,
        })),
      ]}
      rows={rows}
      rowKey={(row) => row.name}
    />
  )
}

type Fact = { name: string; values: string[] }

function facts(jobs: Job[], t: Messages): Fact[] {
  const names = new Set(jobs.flatMap((job) => Object.keys(settingsOf(job))))
  const labels: Record<string, string> = t.create.names
  const fact = (name: string, value: (job: Job) => unknown): Fact => ({
    name,
    values: jobs.map((job) => `${value(job) ?? t.shared.none}`),
  })
  return [
    fact(t.job.base, (job) => job.model),
    fact(t.job.method, methodOf),
    ...[...names].map((name) => fact(labels[name] ?? name, (job) => settingsOf(job)[name])),
    fact(t.config.seed, (job) => job.seed),
    fact(t.create.training, (job) => job.training_file),
    fact(t.create.validation, (job) => job.validation_file),
  ]
}
