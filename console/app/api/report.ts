/** What the server says of a training file before any job: a report, and rows as the trainer sees them. */
import { queryOptions } from '@tanstack/react-query'
import { optional, type Schemas } from './client'

/** Asked again this soon while the server still looks at the file. */
const AGAIN_MS = 1_000
export const ROWS_PER_PAGE = 20

export type Progress = Schemas['InspectionProgress']
export type FileProblem = Schemas['FileProblem']
export type Repeated = Schemas['Duplicates']
export type ReportBody = Schemas['ReportBody']
export type FileReport = Schemas['FileReport']
export type TokenRun = Schemas['TokenRun']
export type RenderedReply = Schemas['RenderedReply']
export type FileRow = Schemas['FileRow']
export type FileRows = Schemas['FileRows']

const of = (fileId: string, call: string, query: Record<string, string | number | undefined>): string => {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== '') search.set(name, `${value}`)
  return `/v1/files/${encodeURIComponent(fileId)}/${call}?${search}`
}

/** Null where the server has no such call. */
export const reportQuery = (fileId: string, { model, against }: { model?: string; against?: string } = {}) =>
  queryOptions({
    queryKey: ['report', fileId, model ?? '', against ?? ''],
    queryFn: async ({ signal }) =>
      (await optional(of(fileId, 'report', { model, against }), { signal })) as FileReport | null,
    refetchInterval: ({ state }) => (state.data?.status === 'in_progress' ? AGAIN_MS : false),
    staleTime: Number.POSITIVE_INFINITY, // a file never changes
  })

export type RowsAsked = {
  model?: string | undefined
  afterLine?: number
  /** The way back: the rows right before a line. */
  beforeLine?: number
  only?: string | undefined
  limit?: number
  boundaries?: boolean
}

export const rowsQuery = (fileId: string, asked: RowsAsked = {}) =>
  queryOptions({
    queryKey: ['rows', fileId, asked],
    queryFn: async ({ signal }) => {
      const { model, afterLine, beforeLine, only, limit = ROWS_PER_PAGE, boundaries } = asked
      const query = {
        model,
        only,
        after_line: afterLine,
        before_line: beforeLine,
        limit,
        boundaries: boundaries ? 'true' : undefined,
      }
      return (await optional(of(fileId, 'rows', query), { signal })) as FileRows | null
    },
    refetchInterval: ({ state }) =>
      state.data?.status === 'in_progress' && !state.data.data.length ? AGAIN_MS : false,
    staleTime: Number.POSITIVE_INFINITY,
  })
