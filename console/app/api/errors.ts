/** What goes wrong between the console and the server, as one class, and as a sentence in the reader's language. */
import type { Messages } from '@/i18n'

export class ApiError extends Error {
  constructor(
    message: string,
    /** The HTTP status; 0 when no answer came. */
    readonly status: number,
    readonly code: string | null = null,
    readonly param: string | null = null,
    readonly requestId: string | null = null,
  ) {
    super(message)
    this.name = 'ApiError'
  }

  get isOffline(): boolean {
    return this.status === 0
  }
}

/** The error in an answer, whatever shape the answer has. */
export function errorOf(response: Response, body: unknown): ApiError {
  const found = (body as { error?: Record<string, unknown> } | null)?.error
  const text = (name: string) => (typeof found?.[name] === 'string' ? (found[name] as string) : null)
  return new ApiError(
    text('message') ?? `HTTP ${response.status}`,
    response.status,
    text('code'),
    text('param'),
    response.headers.get('x-request-id'),
  )
}

export const noAnswer = (cause: unknown): ApiError =>
  new ApiError(cause instanceof Error ? cause.message : 'no answer', 0)

/** A sentence for the reader; the server's own words are shown beneath it. */
export function sentence(error: unknown, t: Messages): string {
  if (!(error instanceof ApiError)) return t.errors.unexpected
  const byCode: Record<string, string> = t.errors.byCode
  if (error.code && byCode[error.code]) return byCode[error.code] as string
  if (error.isOffline) return t.errors.offline
  if (error.status === 401) return t.errors.signIn
  if (error.status === 403) return t.errors.forbidden
  if (error.status === 404) return t.errors.notFound
  if (error.status === 429) return t.errors.tooMany
  if (error.status >= 500) return t.errors.server
  return t.errors.refused
}
