/** A file too large for one request: announced, sent in parts a few at a time, and put together by the server. */
import { api, body, type FileObject, isApiError } from './client'
import { ApiError } from './errors'
import { type How, sendForm } from './sendForm'
import type { Progress } from './upload'

const PART_BYTES = 64 * 1024 * 1024
const AT_ONCE = 3
const TRIES = 4
const PAUSE_MS = 1_000

export async function uploadInParts(file: File, { onProgress, signal }: How<Progress>): Promise<FileObject> {
  const announced = await body(
    api.POST('/v1/uploads', {
      body: { bytes: file.size, filename: file.name, mime_type: 'application/jsonl', purpose: 'fine-tune' },
      signal: signal ?? null,
    }),
  )
  const params = { path: { upload_id: announced.id } }
  try {
    const partIds = await sendParts(file, announced.id, { onProgress, signal })
    const whole = await body(
      api.POST('/v1/uploads/{upload_id}/complete', {
        params,
        body: { part_ids: partIds },
        signal: signal ?? null,
      }),
    )
    if (!whole.file) throw new ApiError('The server has put no file together.', 500)
    return whole.file
  } catch (error) {
    api.POST('/v1/uploads/{upload_id}/cancel', { params }).catch(() => undefined) // the server forgets it by itself too
    throw error
  }
}

async function sendParts(
  file: File,
  uploadId: string,
  { onProgress, signal }: How<Progress>,
): Promise<string[]> {
  const path = `/v1/uploads/${encodeURIComponent(uploadId)}/parts`
  const count = Math.ceil(file.size / PART_BYTES)
  const ids: string[] = Array.from({ length: count }, () => '')
  const sent: number[] = Array.from({ length: count }, () => 0)
  let next = 0
  const failed = new AbortController()
  const ended = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal
  const worker = async () => {
    while (next < count) {
      const at = next++
      const part = file.slice(at * PART_BYTES, (at + 1) * PART_BYTES)
      const tell = (bytes: number) => {
        sent[at] = Math.min(bytes, part.size)
        onProgress?.({ sentBytes: sent.reduce((sum, one) => sum + one, 0), totalBytes: file.size })
      }
      const send = () => {
        const form = new FormData()
        form.append('data', part)
        return sendForm<{ id: string }>(path, form, { onProgress: tell, signal: ended })
      }
      ids[at] = (await withTries(send, ended)).id
    }
  }
  try {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, worker))
  } catch (error) {
    failed.abort()
    throw error
  }
  return ids
}

async function withTries<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await work()
    } catch (error) {
      const passing = isApiError(error) && (error.isOffline || error.status === 429 || error.status >= 500)
      if (!passing || tried >= TRIES) throw error
      await pause(PAUSE_MS * 2 ** (tried - 1), signal)
    }
  }
}

/** Rejects as soon as it is cancelled. */
function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((done, fail) => {
    signal?.throwIfAborted()
    signal?.addEventListener('abort', () => fail(signal.reason))
    setTimeout(done, ms)
  })
}
