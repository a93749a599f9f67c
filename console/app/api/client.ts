/** The one way to the server: typed by its own /openapi.json, with the key in the header and errors thrown. */
import createClient from 'openapi-fetch'
import { hearDate } from '@/lib/now'
import { ApiError, errorOf, noAnswer } from './errors'
import { currentKey, keyEnded, knownProject, learnProject } from './key'
import type { components, paths } from './schema'

export type Schemas = components['schemas']
export type Job = Schemas['JobObject']
export type JobEvent = Schemas['EventObject']
export type Checkpoint = Schemas['CheckpointObject']
export type FileObject = Schemas['FileObject']
export type Model = Schemas['ModelObject']
export type CreateJob = Schemas['CreateJobRequest']

export let organization: string | null = null
/** The organization of the key, once the server has named it: it stands in the names of tuned models. */
export const currentOrganization = (): string | null => organization

const PROJECT_HEADER = 'openai-project'
/** The project that this tab's key works for, as every answer names it; null where none does. Throws ApiError. */
export async function currentProject(): Promise<string | null> {
  if (knownProject() === null) await withKey(new Request(new URL('/v1/models', location.origin)))
  return knownProject()
}

const bearer = (key: string): string => `Bearer ${key}`

/** A key pasted from where it is shortened, or typed in another script, fits into no header. */
export function canTravel(key: string): boolean {
  try {
    new Headers({ authorization: bearer(key) })
    return true
  } catch {
    return false
  }
}

const strangeKey = () => new ApiError('The key has characters that no key has.', 401, 'invalid_api_key')

/** `fetch` with the key in its header; an ended key leads to the sign-in page. */
export async function withKey(input: Request): Promise<Response> {
  const key = currentKey()
  if (key && !canTravel(key)) {
    keyEnded()
    throw strangeKey()
  }
  if (key) input.headers.set('authorization', bearer(key))
  let response: Response
  const askedMs = Date.now()
  try {
    response = await fetch(input)
  } catch (cause) {
    throw input.signal.aborted ? cause : noAnswer(cause)
  }
  // what has lain in a cache tells an old time
  if (!response.headers.has('age')) hearDate(response.headers.get('date'), askedMs, Date.now())
  organization = response.headers.get('openai-organization') ?? organization
  const project = response.headers.get(PROJECT_HEADER)
  if (key && project) learnProject(key, project)
  // the key was revoked, or never right: the sign-in page takes over
  if (response.status === 401 && key && key === currentKey()) keyEnded()
  return response
}

export const api = createClient<paths>({ fetch: withKey })

type Answered<T> = { data?: T; error?: unknown; response: Response }

/** The body of an answer, or an ApiError. */
export async function body<T>(answer: Promise<Answered<T>>): Promise<T> {
  const { data, error, response } = await answer
  if (!response.ok) throw errorOf(response, error)
  return data as T
}

/** A call that this server may not have: its JSON, or null where there is no such call. */
export async function optional(path: string, init: RequestInit = {}): Promise<unknown> {
  const response = await withKey(new Request(new URL(path, location.origin), init))
  const answer: unknown = await response.json().catch(() => null)
  if (response.ok) return answer
  const error = errorOf(response, answer)
  if (error.status === 405 || (error.status === 404 && error.code === 'unknown_url')) return null
  throw error
}

/** A file's bytes as the server keeps them; a result file as its CSV. */
export async function content(fileId: string, signal?: AbortSignal): Promise<Blob> {
  const url = new URL(`/v1/files/${encodeURIComponent(fileId)}/content`, location.origin)
  const response = await withKey(
    new Request(url, { headers: { accept: 'text/csv, */*' }, signal: signal ?? null }),
  )
  if (!response.ok) throw errorOf(response, await response.json().catch(() => null))
  return response.blob()
}

/** The project of a good key, where the server tells it, before the key is kept. Throws ApiError. */
export async function tryKey(key: string): Promise<string | null> {
  if (!canTravel(key)) throw strangeKey()
  let response: Response
  try {
    response = await fetch('/v1/models', { headers: { authorization: bearer(key) } })
  } catch (cause) {
    throw noAnswer(cause)
  }
  if (!response.ok) throw errorOf(response, await response.json().catch(() => null))
  return response.headers.get(PROJECT_HEADER)
}

export const isApiError = (error: unknown): error is ApiError => error instanceof ApiError
