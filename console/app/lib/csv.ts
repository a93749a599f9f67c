/** Comma-separated values, exact: quoted where the format asks for it and nowhere else. */

export type Cell = string | number | null
type Rows = readonly (readonly Cell[])[]

export function toCsv(columns: readonly string[], rows: Rows): string {
  const line = (cells: readonly Cell[]) => cells.map(cell).join(',')
  return `${[line(columns), ...rows.map(line)].join('\n')}\n`
}

function cell(value: Cell): string {
  const text = value === null ? '' : `${value}`
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** The same cells for a spreadsheet, which would take a text that begins like this for a formula and run it. */
export const withoutFormulas = (rows: Rows): Cell[][] =>
  rows.map((cells) =>
    cells.map((value) => (typeof value === 'string' && /^[=+\-@\t\r\n]/.test(value) ? `'${value}` : value)),
  )

/** The cells of a result file, which has no quotes: header, then numbers or gaps. */
export function fromCsv(text: string): { columns: string[]; rows: (number | null)[][] } {
  const [head = '', ...lines] = text.trim().split(/\r?\n/)
  return {
    columns: head.split(','),
    rows: lines.map((line) => line.split(',').map((value) => (value === '' ? null : Number(value)))),
  }
}
