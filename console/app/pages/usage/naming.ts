/** What groups and numbers of a usage report are called. */
import { useQueries, useQuery } from '@tanstack/react-query'
import { adminKeysQuery, projectKeysQuery, projectsQuery } from '@/api/organization'
import type { By } from '@/api/usage'
import { useT } from '@/i18n'
import { count, duration, money } from './numbers'

/** Keys and projects by their names; what is gone by its id. */
export function useGroupName(by: By): (group: string) => string {
  const t = useT()
  const { data: projects } = useQuery({ ...projectsQuery(true), enabled: by !== 'model' })
  const ofProjects = useQueries({
    queries: (by === 'api_key_id' ? (projects ?? []) : []).map((project) => projectKeysQuery(project.id)),
  })
  const { data: admin } = useQuery({ ...adminKeysQuery(), enabled: by === 'api_key_id' })
  const known: { id: string; name: string }[] =
    by === 'project_id'
      ? (projects ?? [])
      : [...(admin ?? []), ...ofProjects.flatMap(({ data }) => data ?? [])]
  const names = new Map(known.map(({ id, name }) => [id, name]))
  return (group) => (group === '' ? t.usage.unnamed : (names.get(group) ?? group))
}

export function formatOf(value: string, currency: string | null): (number: number) => string {
  if (value === 'device_seconds') return duration
  if (value === 'amount') return (amount) => money(amount, currency)
  return count
}
