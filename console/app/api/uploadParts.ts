/** A file too large for one request: announced, sent in parts a few at a time, and put together by the server. */
import { api, body, type FileObject, isApiError } from './client'
import { ApiError } from './errors'
import { currentKey } from './key'
import type { Progress } from './upload'

const PART_BYTES = 64 * 1024 * 1024
const AT_ONCE = 3
const TRIES = 4
const PAUSE_MS = 1_000

type How = { purpose?: 'fine-tune'; onProgress?: (progress: Progress) => void; signal?: AbortSignal }

export async function uploadInParts(
  file: File,
  { purpose = 'fine-tune', onProgress, signal }: How,
): Promise<FileObject> {
  const announced = await body(
    api.POST('/v1/uploads', {
      body: { bytes: file.size, filename: file.name, mime_type: 'application/jsonl', purpose },
      signal: signal ?? null,
    }),
  )
  const params = { path: { upload_id: announced.id } }
  try {
    const partIds = await sendParts(file, announced.id, onProgress, signal)
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
  onProgress?: How['onProgress'],
  signal?: AbortSignal,
): Promise<string[]> {
  const count = Math.ceil(file.size / PART_BYTES)
  const ids: string[] = Array.from({ length: count }, () => '')
  const sent: number[] = Array.from({ length: count }, () => 0)
  let next = 0
  const worker = async () => {
    while (next < count) {
      const at = next++
      const part = file.slice(at * PART_BYTES, (at + 1) * PART_BYTES)
      const tell = (bytes: number) => {
        sent[at] = Math.min(bytes, part.size)
        onProgress?.({ sentBytes: sent.reduce((sum, one) => sum + one, 0), totalBytes: file.size })
      }
      ids[at] = await withTries(() => sendPart(part, uploadId, tell, signal), signal)
    }
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, worker))
  return ids
}

async function withTries<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let tried = 1; ; tried++) {
    try {
      return await work()
    } catch (error) {
      const passing = isApiError(error) && (error.isOffline || error.status === 429 || error.status >= 500)
      if (!passing || tried >= TRIES || signal?.aborted) throw error
      await new Promise((done) => setTimeout(done, PAUSE_MS * 2 ** (tried - 1)))
    }
  }
}

/** By XMLHttpRequest, which alone can tell how far it is. */
function sendPart(
  part: Blob,
  uploadId: string,
  tell: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<string> {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest()
    request.open('POST', `/v1/uploads/${encodeURIComponent(uploadId)}/parts`)
    request.setRequestHeader('authorization', `Bearer ${currentKey() ?? ''}`)
    request.responseType = 'json'
    request.upload.addEventListener('progress', ({ loaded }) => tell(loaded))
    request.addEventListener('load', () => {
      const answer = request.response as {
        id?: string
        error?: { message?: string; code?: string; param?: string }
      } | null
      if (request.status < 300 && answer?.id) return done(answer.id)
      const { message, code, param } = answer?.error ?? {}
      const requestId = request.getResponseHeader('x-request-id')
      fail(
        new ApiError(
          message ?? `HTTP ${request.status}`,
          request.status,
          code ?? null,
          param ?? null,
          requestId,
        ),
      )
    })
    request.addEventListener('error', () =>
      fail(new ApiError('The connection was lost during the upload.', 0)),
    )
    request.addEventListener('abort', () => fail(new DOMException('cancelled', 'AbortError')))
    signal?.addEventListener('abort', () => request.abort())
    const form = new FormData()
    form.append('data', part)
    request.send(form)
  })
}
