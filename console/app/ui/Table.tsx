/** A dense table whose rows become cards on a narrow page; arrows move between rows, Enter opens one. */
import type { KeyboardEvent, ReactNode } from 'react'
import styles from './Table.module.css'

export type TableColumn<Row> = {
  key: string
  head: ReactNode
  cell: (row: Row) => ReactNode
  number?: boolean
  /** No label on a card: it is the card's head, or speaks for itself. */
  bare?: boolean
}
type Props<Row> = {
  caption: string
  columns: TableColumn<Row>[]
  rows: readonly Row[]
  rowKey: (row: Row) => string
  onTick?: (row: Row) => void
}

/** The first link of a row is what the row is about: arrows move the focus from one to the next. */
function onKeyDown(event: KeyboardEvent<HTMLTableSectionElement>): void {
  const row = (event.target as HTMLElement).closest('tr')
  if (!row || (event.target as HTMLElement).matches('input[type=text], select')) return
  const to =
    event.key === 'ArrowDown'
      ? row.nextElementSibling
      : event.key === 'ArrowUp'
        ? row.previousElementSibling
        : null
  const link = to?.querySelector<HTMLElement>('a, button')
  if (!link) return
  event.preventDefault()
  link.focus()
}

export function Table<Row>({ caption, columns, rows, rowKey, onTick }: Props<Row>) {
  return (
    <div className={styles.frame}>
      <table className={styles.table}>
        <caption className="hidden-text">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.key} scope="col" className={column.number ? 'number' : undefined}>
                {column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody onKeyDown={onKeyDown}>
          {rows.map((row) => (
            <tr
              key={rowKey(row)}
              onKeyDown={(event) => {
                if (event.key !== ' ' || !onTick || !(event.target as HTMLElement).matches('a')) return
                event.preventDefault()
                onTick(row)
              }}
            >
              {columns.map((column) => (
                <td
                  key={column.key}
                  className={column.number ? 'number' : undefined}
                  data-label={column.bare || typeof column.head !== 'string' ? undefined : column.head}
                >
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
