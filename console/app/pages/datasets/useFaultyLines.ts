/** The text of faulty lines, a hundred at a time: the first request serves most of a report. */
import { useQuery } from '@tanstack/react-query'
import { type FileRows, rowsQuery } from '@/api/report'

const AT_ONCE = 100

/** By line, as far as it is known. */
export function useFaultyLines(file: string, model: string, lines: readonly number[]): Map<number, string> {
  const asked = { model: model || undefined, only: 'errors', limit: AT_ONCE }
  const { data: first } = useQuery({ ...rowsQuery(file, asked), enabled: lines.length > 0 })
  const lacking = first?.has_more ? lines.find((line) => line > (first.last_line ?? 0)) : undefined
  const { data: later } = useQuery({
    ...rowsQuery(file, { ...asked, afterLine: (lacking ?? 1) - 1 }),
    enabled: lacking !== undefined,
  })
  return new Map([...textsOf(first), ...textsOf(later)])
}

const textsOf = (rows: FileRows | null | undefined): [number, string][] =>
  (rows?.data ?? []).flatMap(({ line, text }) => (text === null ? [] : [[line, text]]))
