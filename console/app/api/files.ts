/** Files, as queries. */
import { keepPreviousData, type QueryClient, queryOptions } from '@tanstack/react-query'
import { api, body, content, type Schemas } from './client'
import { every } from './poll'

/** A file of a list, with what is known of it where the server tells. */
export type ListedFile = Schemas['ListedFile']
export type FileBrief = Schemas['FileBrief']

const FILES_PER_PAGE = 50
export type FileFilter = { purpose?: string; q?: string; after?: string; before?: string }

/** What a page of the list asks for: in OpenAI's words, and in our own. */
export const listedWith = ({ purpose, q, after, before }: FileFilter) => ({
  query: { limit: FILES_PER_PAGE, purpose: purpose || undefined, after },
  ownQuery: { before, q: q || undefined, include: 'report' as const },
})

/** Asked again while the server looks into one of them. */
export const filesPageQuery = (filter: FileFilter) =>
  queryOptions({
    queryKey: ['files', 'page', filter],
    queryFn: ({ signal }) => {
      const { query, ownQuery } = listedWith(filter)
      return body(api.GET('/v1/files', { params: { query: { ...query, ...ownQuery } }, signal }))
    },
    placeholderData: keepPreviousData,
    refetchInterval: (query) =>
      every(() => Boolean(query.state.data?.data.some(({ report }) => report?.status === 'in_progress')))(
        query,
      ),
  })

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

/** After it was deleted: nothing that is kept of it may be shown again. */
export function forgetFile(client: QueryClient, id: string): void {
  for (const what of ['file', 'report', 'rows', 'head']) client.removeQueries({ queryKey: [what, id] })
}

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
