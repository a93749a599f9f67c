/** The numbers of a usage report: by group over all days, and day by day. */
import { type By, type Show, VALUES } from '@/api/usage'
import { useT } from '@/i18n'
import { dayName, totalsOf, type UsageRow } from '@/lib/usage'
import { Table, type TableColumn } from '@/ui/Table'
import { formatOf } from './naming'
import styles from './Usage.module.css'

type Props = {
  rows: UsageRow[]
  show: Show
  by: By
  currency: string | null
  nameOf: (group: string) => string
}
type Line = { key: string; group: string; day?: string; values: Record<string, number>; isSum?: boolean }

export function TotalsTable({ rows, show, ...rest }: Props) {
  const t = useT()
  const main = VALUES[show][0] as string
  const totals = totalsOf(rows, main).map((total): Line => ({ key: total.group, ...total }))
  const sum: Line = { key: ' ', group: t.usage.sum, values: {}, isSum: true }
  for (const { values } of totals) {
    for (const [name, value] of Object.entries(values)) sum.values[name] = (sum.values[name] ?? 0) + value
  }
  const shown = totals.length > 1 ? [...totals, sum] : totals
  return <Lines caption={t.usage.totals} lines={shown} show={show} {...rest} />
}

export function DayTable({ rows, ...rest }: Props) {
  const t = useT()
  const lines = rows.map(
    (row): Line => ({
      key: `${row.dayS} ${row.group}`,
      group: row.group,
      day: dayName(row.dayS),
      values: row.values,
    }),
  )
  return <Lines caption={t.usage.byDay} lines={lines} withDay {...rest} />
}

type LinesProps = Omit<Props, 'rows'> & { caption: string; lines: Line[]; withDay?: boolean }

function Lines({ caption, lines, show, by, currency, nameOf, withDay }: LinesProps) {
  const t = useT()
  const columns: TableColumn<Line>[] = [
    ...(withDay ? [{ key: 'day', head: t.usage.day, cell: (line: Line) => line.day }] : []),
    {
      key: 'group',
      head: t.usage.bys[by],
      bare: !withDay,
      cell: (line) => (
        <span className={line.isSum ? styles.sum : styles.group}>
          {line.isSum ? line.group : nameOf(line.group)}
        </span>
      ),
    },
    ...VALUES[show].map((value): TableColumn<Line> => {
      const format = formatOf(value, currency)
      return {
        key: value,
        head: t.usage.values[value] ?? value,
        number: true,
        cell: (line) => format(line.values[value] ?? 0),
      }
    }),
  ]
  return <Table caption={caption} columns={columns} rows={lines} rowKey={(line) => line.key} />
}
