/** Files, as queries. */
import { queryOptions } from '@tanstack/react-query'
import { api, body, content, type Schemas } from './client'

/** A file of a list, with what is known of it where the server tells. */
export type ListedFile = Schemas['ListedFile']
export type FileBrief = Schemas['FileBrief']

export const filesQuery = (purpose = 'fine-tune') =>
  queryOptions({
    queryKey: ['files', purpose],
    queryFn: ({ signal }) =>
      body(api.GET('/v1/files', { params: { query: { purpose, limit: 1000 } }, signal })),
  })

export const fileQuery = (id: string) =>
  queryOptions({
    queryKey: ['file', id],
    queryFn: ({ signal }) =>
      body(api.GET('/v1/files/{file_id}', { params: { path: { file_id: id } }, signal })),
    staleTime: Number.POSITIVE_INFINITY, // a file never changes
  })

/** Hands a file to the browser's downloads under a harmless name. */
export async function download(fileId: string, name: string): Promise<void> {
  save(await content(fileId), name)
}

export function save(blob: Blob, name: string): void {
  const address = URL.createObjectURL(blob)
  const link = document.createElement('a')
  link.href = address
  link.download = name.replace(/[^\p{L}\p{N}._ -]+/gu, '_').slice(0, 120) || 'download'
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}
