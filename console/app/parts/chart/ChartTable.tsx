/** The same numbers as a table: 25 steps a page, and all of them as CSV. */
import { useState } from 'react'
import { save } from '@/api/files'
import { useT } from '@/i18n'
import { count } from '@/lib/number'
import { type Curve, curveCsv, table } from '@/lib/series'
import { Button } from '@/ui/Button'
import { Table } from '@/ui/Table'
import styles from './ChartTable.module.css'

const ROWS = 25

export function saveCurve(curve: Curve, name: string): void {
  save(new Blob([curveCsv(curve)], { type: 'text/csv' }), `${name}.csv`)
}

export function ChartTable({ curve }: { curve: Curve }) {
  const t = useT()
  const { metrics, rows } = table(curve)
  const pages = Math.max(1, Math.ceil(rows.length / ROWS))
  const [wanted, setWanted] = useState<number | null>(null)
  const page = Math.min(wanted ?? 0, pages - 1)
  const shown = rows.slice(page * ROWS, (page + 1) * ROWS)
  return (
    <div className={styles.frame}>
      <Table
        caption={t.chart.tableCaption}
        columns={['step', ...metrics].map((name, index) => ({
          key: name,
          head: name,
          number: true,
          cell: (row: (typeof rows)[number]) => {
            const value = row[index] ?? null
            return index === 0
              ? count(value as number)
              : value === null
                ? ''
                : Number((value as number).toPrecision(6))
          },
        }))}
        rows={shown}
        rowKey={(row) => `${row[0]}`}
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
