/** Projects, their keys and the organization's admin keys, as queries; only an admin key may ask. */
import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import { api, body, isApiError, type Schemas } from './client'
import { currentKey } from './key'

export type Project = Schemas['ProjectObject']
export type ProjectKey = Schemas['ProjectKeyObject']
export type AdminKey = Schemas['AdminKeyObject']
/** What a table of keys needs of either kind. */
export type AnyKey = Pick<
  ProjectKey,
  'id' | 'name' | 'redacted_value' | 'created_at' | 'last_used_at' | 'expires_at'
> & { owner: ProjectKey['owner'] | AdminKey['owner'] }

const PER_PAGE = 100
const MOST_PAGES = 50

type Page<T> = { data: T[]; has_more: boolean; last_id: string | null }

/** All pages: projects and keys are few. */
async function all<T>(page: (after: string | undefined) => Promise<Page<T>>): Promise<T[]> {
  const found: T[] = []
  let after: string | undefined
  for (let n = 0; n < MOST_PAGES; n++) {
    const { data, has_more, last_id } = await page(after)
    found.push(...data)
    if (!has_more || !last_id) break
    after = last_id
  }
  return found
}

export const projectsQuery = (archived: boolean) =>
  queryOptions({
    queryKey: ['projects', archived],
    queryFn: ({ signal }) =>
      all((after) => {
        const query = { limit: PER_PAGE, after, include_archived: archived }
        return body(api.GET('/v1/organization/projects', { params: { query }, signal }))
      }),
    placeholderData: keepPreviousData, // what asks for the archived ones too stays in its place, with the focus
  })

export const projectKeysQuery = (projectId: string) =>
  queryOptions({
    queryKey: ['keys', projectId],
    queryFn: ({ signal }) =>
      all((after) =>
        body(
          api.GET('/v1/organization/projects/{project_id}/api_keys', {
            params: { path: { project_id: projectId }, query: { limit: PER_PAGE, after } },
            signal,
          }),
        ),
      ),
  })

export const adminKeysQuery = () =>
  queryOptions({
    queryKey: ['keys', 'admin'],
    queryFn: ({ signal }) =>
      all((after) =>
        body(
          api.GET('/v1/organization/admin_api_keys', {
            params: { query: { limit: PER_PAGE, after } },
            signal,
          }),
        ),
      ),
  })

/** The refusal that an ordinary key meets: no fault, and no empty table. */
export const isForbidden = (error: unknown): boolean => isApiError(error) && error.status === 403

export type NewKey = { name: string; expires_in_seconds?: number }

/** A key's secret, this once. */
export async function createKey(projectId: string | null, wanted: NewKey): Promise<string> {
  if (projectId === null)
    return (await body(api.POST('/v1/organization/admin_api_keys', { body: wanted }))).value
  const params = { path: { project_id: projectId } }
  return (await body(api.POST('/v1/organization/projects/{project_id}/api_keys', { params, body: wanted })))
    .value
}

export async function revokeKey(projectId: string | null, keyId: string): Promise<void> {
  if (projectId === null) {
    await body(
      api.DELETE('/v1/organization/admin_api_keys/{key_id}', { params: { path: { key_id: keyId } } }),
    )
    return
  }
  const params = { path: { project_id: projectId, api_key_id: keyId } }
  await body(api.DELETE('/v1/organization/projects/{project_id}/api_keys/{api_key_id}', { params }))
}

export const createProject = (name: string): Promise<Project> =>
  body(api.POST('/v1/organization/projects', { body: { name } }))

export const renameProject = (id: string, name: string): Promise<Project> =>
  body(
    api.POST('/v1/organization/projects/{project_id}', {
      params: { path: { project_id: id } },
      body: { name },
    }),
  )

export const archiveProject = (id: string): Promise<Project> =>
  body(api.POST('/v1/organization/projects/{project_id}/archive', { params: { path: { project_id: id } } }))

/** Whether a redacted key is the one of this tab: as far as its last characters can tell. */
export function isOwn({ redacted_value }: AnyKey): boolean {
  const hint = redacted_value.split('…').at(-1) ?? ''
  return hint.length >= 4 && (currentKey()?.endsWith(hint) ?? false)
}
