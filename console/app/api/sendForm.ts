/** A form to the server by XMLHttpRequest, which alone can tell how much of it has been sent. */
import { ApiError } from './errors'
import { currentKey } from './key'

export type How<Progress> = {
  onProgress?: ((progress: Progress) => void) | undefined
  signal?: AbortSignal | undefined
}
type Refusal = { error?: { message?: string; code?: string; param?: string } }

/** `onProgress` hears the bytes sent so far, those of the form around the file among them. */
export function sendForm<Made>(
  path: string,
  form: FormData,
  { onProgress, signal }: How<number>,
): Promise<Made> {
  return new Promise((done, fail) => {
    signal?.throwIfAborted() // no event will tell of it any more
    const request = new XMLHttpRequest()
    request.open('POST', path)
    request.setRequestHeader('authorization', `Bearer ${currentKey() ?? ''}`)
    request.responseType = 'json'
    request.upload.addEventListener('progress', ({ loaded }) => onProgress?.(loaded))
    request.addEventListener('load', () => {
      if (request.status < 300 && request.response) done(request.response as Made)
      else fail(refusal(request))
    })
    request.addEventListener('error', () =>
      fail(new ApiError('The connection was lost during the upload.', 0)),
    )
    request.addEventListener('abort', () => fail(new DOMException('cancelled', 'AbortError')))
    signal?.addEventListener('abort', () => request.abort())
    request.send(form)
  })
}

function refusal(request: XMLHttpRequest): ApiError {
  const error = (request.response as Refusal | null)?.error
  return new ApiError(
    error?.message ?? `HTTP ${request.status}`,
    request.status,
    error?.code ?? null,
    error?.param ?? null,
    request.getResponseHeader('x-request-id'),
  )
}
