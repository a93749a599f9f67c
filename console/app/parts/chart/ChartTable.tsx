/** The same numbers as a table: 25 steps a page, and all of them as CSV. */
import { useEffect, useMemo, useRef, useState } from 'react'
import { save } from '@/api/files'
import { useT } from '@/i18n'
import { count } from '@/lib/number'
import { curveCsv, type Run, table } from '@/lib/series'
import { Button } from '@/ui/Button'
import { Table } from '@/ui/Table'
import styles from './ChartTable.module.css'

const ROWS = 25

export function saveCurves(runs: readonly Run[], name: string): void {
  save(new Blob([curveCsv(runs)], { type: 'text/csv' }), `${name}.csv`)
}

type Props = {
  /** One job, or several that are compared. */
  runs: readonly Run[]
  /** It takes the focus as soon as it is there. */
  focused: boolean
  /** Keys that belong to the charts too. */
  onKey: (key: string) => void
}

export function ChartTable({ runs, focused, onKey }: Props) {
  const t = useT()
  const frame = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (focused) frame.current?.focus()
  }, [focused])
  const { columns, rows } = useMemo(() => table(runs), [runs])
  const pages = Math.max(1, Math.ceil(rows.length / ROWS))
  const [wanted, setWanted] = useState<number | null>(null)
  const page = Math.min(wanted ?? 0, pages - 1)
  const shown = rows.slice(page * ROWS, (page + 1) * ROWS)
  const caption =
    runs.length > 1
      ? t.chart.tableCaptionSeveral({ jobs: runs.map(({ name }) => name).join(', ') })
      : t.chart.tableCaption
  return (
    <div
      ref={frame}
      role="group"
      aria-label={caption}
      tabIndex={-1}
      className={styles.frame}
      onKeyDown={(event) => {
        if (event.key !== 't' || event.ctrlKey || event.metaKey || event.altKey) return
        event.preventDefault()
        onKey(event.key)
      }}
    >
      <Table
        caption={caption}
        columns={columns.map((name, index) => ({
          key: name,
          head: name,
          number: name !== 'job',
          cell: (row: (typeof rows)[number]) => {
            const value = row[index] ?? null
            if (value === null || typeof value === 'string') return value
            return index === 0 ? count(value) : Number(value.toPrecision(6))
          },
        }))}
        rows={shown}
        rowKey={(row) => row.slice(0, runs.length > 1 ? 2 : 1).join(' ')}
      />
      <p className={styles.pages}>
        <span>
          {t.chart.tablePage({
            from: count(rows.length ? page * ROWS + 1 : 0),
            to: count(page * ROWS + shown.length),
            of: count(rows.length),
          })}
        </span>
        <Button
          small
          icon="left"
          aria-label={t.chart.earlier}
          onClick={() => setWanted(Math.max(0, page - 1))}
        />
        <Button
          small
          icon="right"
          aria-label={t.chart.later}
          onClick={() => setWanted(Math.min(pages - 1, page + 1))}
        />
      </p>
    </div>
  )
}
