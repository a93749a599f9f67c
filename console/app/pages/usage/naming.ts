/** What groups and numbers of a usage report are called. */
import { useQueries, useQuery } from '@tanstack/react-query'
import { familyJobsQuery } from '@/api/family'
import { nameOf } from '@/api/jobs'
import { adminKeysQuery, projectKeysQuery, projectsQuery } from '@/api/organization'
import type { By } from '@/api/usage'
import { useT } from '@/i18n'
import { count, duration, money } from './numbers'

/** Keys, projects and jobs by their names; what is gone, or another project's job, by its id. */
export function useGroupName(by: By): (group: string) => string {
  const t = useT()
  const { data: projects } = useQuery({
    ...projectsQuery(true),
    enabled: by === 'api_key_id' || by === 'project_id',
  })
  const { data: jobs } = useQuery({ ...familyJobsQuery(), enabled: by === 'fine_tuning_job_id' })
  const ofProjects = useQueries({
    queries: (by === 'api_key_id' ? (projects ?? []) : []).map((project) => projectKeysQuery(project.id)),
  })
  const { data: admin } = useQuery({ ...adminKeysQuery(), enabled: by === 'api_key_id' })
  const known: Record<By, { id: string; name: string }[]> = {
    model: [],
    api_key_id: [...(admin ?? []), ...ofProjects.flatMap(({ data }) => data ?? [])],
    project_id: projects ?? [],
    // several jobs may have one suffix
    fine_tuning_job_id: (jobs?.data ?? []).map((job) => ({
      id: job.id,
      name: nameOf(job) === job.id ? job.id : `${nameOf(job)} · ${job.id}`,
    })),
  }
  const names = new Map(known[by].map(({ id, name }) => [id, name]))
  return (group) => (group === '' ? t.usage.unnamed : (names.get(group) ?? group))
}

export function formatOf(value: string, currency: string | null): (number: number) => string {
  if (value === 'device_seconds') return duration
  if (value === 'amount') return (amount) => money(amount, currency)
  return count
}
