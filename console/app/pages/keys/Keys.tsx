/** Keys by project, and the admin keys: make, see and revoke. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import {
  type AnyKey,
  adminKeysQuery,
  isForbidden,
  type Project,
  projectKeysQuery,
  projectsQuery,
} from '@/api/organization'
import { Page } from '@/frame/Page'
import { useUrlState } from '@/frame/useUrlState'
import { useT } from '@/i18n'
import type { Call } from '@/lib/code'
import { oneOf, text } from '@/lib/urlState'
import { NotAllowed } from '@/parts/NotAllowed'
import { Problem } from '@/parts/Problem'
import { CodeButton } from '@/parts/ViewCode'
import { Button } from '@/ui/Button'
import { Skeleton } from '@/ui/Skeleton'
import styles from './Keys.module.css'
import { KeysTable } from './KeysTable'
import { NewKey } from './NewKey'
import { ProjectBar } from './ProjectBar'
import { RevokeKey } from './RevokeKey'

/** What shows a project's keys, as code. */
const callOf = ({ id }: Project): Call => ({ method: 'GET', path: `/organization/projects/${id}/api_keys` })

const ARCHIVED = oneOf('', '1')

/** Null stands for the organization: its admin keys. */
type Where = string | null

export function Keys() {
  const t = useT()
  const [wanted, setWanted] = useUrlState('project', text)
  const [tooArchived, setArchived] = useUrlState('archived', ARCHIVED)
  const archived = tooArchived !== ''
  const [making, setMaking] = useState<{ where: Where } | null>(null)
  const [doomed, setDoomed] = useState<{ where: Where; key: AnyKey } | null>(null)
  const { data: projects, error, refetch, isPending } = useQuery(projectsQuery(archived))
  const project = projects?.find((one) => one.id === wanted) ?? projects?.[0]
  if (isForbidden(error)) {
    return (
      <Page title={t.keys.title}>
        <NotAllowed title={t.keys.notAllowed} text={t.keys.notAllowedText} />
      </Page>
    )
  }
  return (
    <Page title={t.keys.title} lead={t.keys.lead} actions={project && <CodeButton call={callOf(project)} />}>
      {error && <Problem error={error} onRetry={refetch} />}
      {isPending && <Skeleton height="3rem" lines={4} />}
      {project && projects && (
        <div className={styles.page}>
          <section className={styles.section} aria-label={t.keys.project}>
            <ProjectBar
              projects={projects}
              project={project}
              archived={archived}
              onArchived={(shown) => setArchived(shown ? '1' : '')}
              onChoose={setWanted}
              onNewKey={() => setMaking({ where: project.id })}
            />
            <ProjectKeys project={project} onRevoke={(key) => setDoomed({ where: project.id, key })} />
          </section>
          <section className={styles.section}>
            <div className={styles.head}>
              <div>
                <h2>{t.keys.adminTitle}</h2>
                <p className="quiet">{t.keys.adminLead}</p>
              </div>
              <Button icon="plus" onClick={() => setMaking({ where: null })}>
                {t.keys.newAdminKey}
              </Button>
            </div>
            <AdminKeys onRevoke={(key) => setDoomed({ where: null, key })} />
          </section>
        </div>
      )}
      {making && <NewKey where={making.where} onClose={() => setMaking(null)} />}
      {doomed && <RevokeKey where={doomed.where} found={doomed.key} onClose={() => setDoomed(null)} />}
    </Page>
  )
}

function ProjectKeys({ project, onRevoke }: { project: Project; onRevoke: (key: AnyKey) => void }) {
  const t = useT()
  const { data, error, refetch, isPending } = useQuery(projectKeysQuery(project.id))
  if (error) return <Problem error={error} onRetry={refetch} />
  if (isPending) return <Skeleton height="2.6rem" lines={3} />
  if (!data.length) return <p className="quiet">{t.keys.none}</p>
  return <KeysTable caption={t.keys.caption({ project: project.name })} keys={data} onRevoke={onRevoke} />
}

function AdminKeys({ onRevoke }: { onRevoke: (key: AnyKey) => void }) {
  const t = useT()
  const { data, error, refetch, isPending } = useQuery(adminKeysQuery())
  if (error) return <Problem error={error} onRetry={refetch} />
  if (isPending) return <Skeleton height="2.6rem" lines={2} />
  return <KeysTable caption={t.keys.adminCaption} keys={data} onRevoke={onRevoke} />
}
