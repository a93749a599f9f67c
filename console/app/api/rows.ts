/** The first rows of a file, read from the file itself: what any server of this wire format gives. */
import { queryOptions } from '@tanstack/react-query'
import { withKey } from './client'
import { errorOf } from './errors'

export const HEAD_BYTES = 256 * 1024

export type FileHead = { text: string; whole: boolean; sizeBytes: number }

/** The file's first bytes as text; an empty file has none to give. */
export const headQuery = (fileId: string, size = HEAD_BYTES) =>
  queryOptions({
    queryKey: ['head', fileId, size],
    queryFn: ({ signal }) => head(fileId, size, signal),
    staleTime: Number.POSITIVE_INFINITY, // a file never changes
  })

async function head(fileId: string, size: number, signal: AbortSignal): Promise<FileHead> {
  const url = new URL(`/v1/files/${encodeURIComponent(fileId)}/content`, location.origin)
  const headers = { range: `bytes=0-${size - 1}`, accept: 'text/csv, */*' }
  const response = await withKey(new Request(url, { headers, signal }))
  if (response.status === 416) return { text: '', whole: true, sizeBytes: 0 }
  if (!response.ok) throw errorOf(response, await response.json().catch(() => null))
  const received = new Uint8Array(await response.arrayBuffer())
  const sizeBytes = Number(
    /\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1] ?? received.length,
  )
  const kept = received.subarray(0, size) // a server without ranges sends it all
  const whole = kept.length >= sizeBytes
  return { text: new TextDecoder().decode(kept), whole, sizeBytes }
}
