/** Reads a file's bytes as they come and converts them on the way, so that neither file is ever in memory whole. */
import { Converter } from '@/lib/convert'
import { withKey } from './client'
import { errorOf, noAnswer } from './errors'

/** Converted text is handed over in such parts; what a `Blob` holds, the browser keeps where it has room. */
const PART_CHARS = 4 * 1024 * 1024

export async function converted(
  fileId: string,
  signal: AbortSignal,
  onProgress: (readBytes: number, rows: number) => void,
): Promise<{ parts: Blob[]; rows: number }> {
  const url = new URL(`/v1/files/${encodeURIComponent(fileId)}/content`, location.origin)
  const response = await withKey(new Request(url, { signal }))
  if (!response.ok || !response.body) throw errorOf(response, await response.json().catch(() => null))
  const converter = new Converter()
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  const reader = response.body.getReader()
  const parts: Blob[] = []
  let waiting = ''
  let readBytes = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      readBytes += value.length
      waiting += converter.add(decoder.decode(value, { stream: true }))
      if (waiting.length < PART_CHARS) continue
      parts.push(new Blob([waiting]))
      waiting = ''
      onProgress(readBytes, converter.rows)
    }
  } catch (cause) {
    // no more is wanted: neither after a row that cannot be converted
    await reader.cancel().catch(() => undefined)
    throw signal.aborted || !(cause instanceof TypeError) ? cause : noAnswer(cause)
  }
  parts.push(new Blob([waiting + converter.add(decoder.decode()) + converter.end()]))
  return { parts, rows: converter.rows }
}
