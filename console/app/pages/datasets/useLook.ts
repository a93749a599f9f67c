/** Asks for the reports that a page of files still lacks, one after the other, so that the list can tell them. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import type { ListedFile } from '@/api/files'
import { type FileReport, reportQuery } from '@/api/report'

/** A look at a larger file takes the server a while; that one waits until somebody opens the file. */
const MOST_BYTES = 16 * 1024 * 1024

export const isLooked = (file: ListedFile): boolean => file.bytes <= MOST_BYTES

/** The files, with the progress of the one that is being looked at. */
export function useLook(files: ListedFile[]): ListedFile[] {
  const client = useQueryClient()
  const isAnswered = (file: ListedFile) => {
    const state = client.getQueryState<FileReport | null>(reportQuery(file.id).queryKey)
    return state?.status === 'error' || (state?.status === 'success' && state.data?.status !== 'in_progress')
  }
  const lacking = files.find(
    (file) => file.report && file.report.status !== 'completed' && isLooked(file) && !isAnswered(file),
  )
  const id = lacking?.id
  const { data } = useQuery({ ...reportQuery(id ?? ''), enabled: id !== undefined })
  const before = useRef<string>(undefined)
  useEffect(() => {
    if (before.current && before.current !== id) client.invalidateQueries({ queryKey: ['files', 'page'] })
    before.current = id
  }, [id, client])
  const progress = data?.progress
  if (!progress) return files
  return files.map((file) =>
    file.id === id && file.report
      ? { ...file, report: { ...file.report, status: 'in_progress' as const, progress } }
      : file,
  )
}
