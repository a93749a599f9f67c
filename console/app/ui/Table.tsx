/** A dense table whose rows become cards on a narrow page; arrows move between rows, Enter opens one. */
import { type KeyboardEvent, type ReactNode, type RefObject, useLayoutEffect, useRef, useState } from 'react'
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
  if (event.defaultPrevented) return // an open menu or choice inside has taken it
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

/** Whether it is wider than its place and has nothing inside that could take the focus: then it does so itself. */
function useScrolls(frame: RefObject<HTMLElement | null>, nColumns: number): boolean {
  const [scrolls, setScrolls] = useState(false)
  // biome-ignore lint/correctness/useExhaustiveDependencies: more columns are wider
  useLayoutEffect(() => {
    const element = frame.current
    if (!element) return
    const look = () =>
      setScrolls(
        element.scrollWidth > element.clientWidth && !element.querySelector('a, button, input, select'),
      )
    const watcher = new ResizeObserver(look)
    watcher.observe(element)
    return () => watcher.disconnect()
  }, [frame, nColumns])
  return scrolls
}

export function Table<Row>({ caption, columns, rows, rowKey, onTick }: Props<Row>) {
  const frame = useRef<HTMLDivElement>(null)
  const scrolls = useScrolls(frame, columns.length)
  const focusable = scrolls ? { tabIndex: 0, role: 'group', 'aria-label': caption } : {}
  return (
    <div ref={frame} className={styles.frame} {...focusable}>
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
