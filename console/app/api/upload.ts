/** `POST /v1/files` with progress, which only XMLHttpRequest can tell. */
import type { FileObject } from './client'
import { ApiError } from './errors'
import { currentKey } from './key'

export type Progress = { sentBytes: number; totalBytes: number }

export function upload(
  file: File,
  {
    purpose = 'fine-tune',
    onProgress,
    signal,
  }: { purpose?: string; onProgress?: (p: Progress) => void; signal?: AbortSignal },
): Promise<FileObject> {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest()
    request.open('POST', '/v1/files')
    request.setRequestHeader('authorization', `Bearer ${currentKey() ?? ''}`)
    request.upload.addEventListener('progress', ({ loaded, total }) =>
      onProgress?.({ sentBytes: loaded, totalBytes: total }),
    )
    request.addEventListener('load', () => {
      const answer = parsed(request.responseText)
      if (request.status < 300 && answer) done(answer as unknown as FileObject)
      else fail(refusal(request, answer))
    })
    request.addEventListener('error', () =>
      fail(new ApiError('The connection was lost during the upload.', 0)),
    )
    request.addEventListener('abort', () => fail(new DOMException('cancelled', 'AbortError')))
    signal?.addEventListener('abort', () => request.abort())
    const form = new FormData()
    form.append('purpose', purpose)
    form.append('file', file)
    request.send(form)
  })
}

function parsed(text: string): Record<string, unknown> | null {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return null
  }
}

function refusal(request: XMLHttpRequest, answer: Record<string, unknown> | null): ApiError {
  const error = (answer?.error ?? {}) as { message?: string; code?: string; param?: string }
  return new ApiError(
    error.message ?? `HTTP ${request.status}`,
    request.status,
    error.code ?? null,
    error.param ?? null,
    request.getResponseHeader('x-request-id'),
  )
}
