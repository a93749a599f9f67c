/** One job: its head, and one of its parts below, which the URL names. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useMemo, useState } from 'react'
import { useLocation, useParams } from 'react-router'
import type { Checkpoint, JobEvent, Job as JobObject } from '@/api/client'
import { curveQuery } from '@/api/curve'
import { checkpointsQuery, eventsQuery, jobQuery, nameOf } from '@/api/jobs'
import { isLive, isStatus } from '@/api/states'
import { Page } from '@/frame/Page'
import { useUrlState } from '@/frame/useUrlState'
import { useT } from '@/i18n'
import { byServer } from '@/lib/now'
import { count, percent } from '@/lib/number'
import { emptyCurve } from '@/lib/series'
import { timeline } from '@/lib/timeline'
import { oneOf } from '@/lib/urlState'
import { Problem } from '@/parts/Problem'
import { StateBadge } from '@/parts/StateBadge'
import { paths } from '@/paths'
import { CopyButton } from '@/ui/CopyButton'
import { Skeleton } from '@/ui/Skeleton'
import { TabPanel, Tabs } from '@/ui/Tabs'
import { Actions } from './Actions'
import { Checkpoints } from './Checkpoints'
import { Config } from './Config'
import { EndNotice } from './EndNotice'
import { Events } from './Events'
import { Files } from './Files'
import { Head } from './Head'
import { Metrics } from './Metrics'
import { Ready } from './Ready'

const TABS = ['metrics', 'events', 'checkpoints', 'config', 'files'] as const
const TAB = oneOf(...TABS)
const NO_EVENTS: JobEvent[] = []
const NO_CHECKPOINTS: Checkpoint[] = []

export function Job() {
  const t = useT()
  const id = useParams().id as string
  const { data: job, error, refetch } = useQuery(jobQuery(id))
  if (job) return <Loaded key={id} job={job} />
  return (
    <Page title={id} trail={[{ label: t.jobs.title, to: paths.jobs() }]}>
      {error ? <Problem error={error} onRetry={refetch} /> : <Skeleton height="9rem" lines={3} />}
    </Page>
  )
}

function Loaded({ job }: { job: JobObject }) {
  const t = useT()
  const client = useQueryClient()
  const { search } = useLocation()
  const [tab] = useUrlState('tab', TAB)
  const alive = isLive(job)
  const [watched] = useState(alive)
  const read = useQuery(curveQuery(client, job.id, alive))
  const curve = useMemo(() => read.data?.curve ?? emptyCurve(), [read.data])
  const told = useQuery(eventsQuery(client, job.id, alive))
  const events = told.data ?? NO_EVENTS
  const entries = useMemo(() => timeline(events), [events])
  const kept = useQuery(checkpointsQuery(job.id, alive))
  const checkpoints = kept.data?.data
  useEffect(() => {
    if (alive) return
    // the last words of a job come with its end, when nobody would ask any more
    for (const what of ['curve', 'events', 'checkpoints', 'forecast'])
      client.invalidateQueries({ queryKey: [what, job.id] })
  }, [alive, client, job.id])
  /** What the part in view cannot do without. */
  const source = { metrics: read, events: told, checkpoints: kept, config: told, files: null }[tab]
  const step = curve.steps.at(-1) ?? 0
  const total = curve.totalSteps
  const progress = job.status === 'running' && total ? percent(step / total) : null
  const status = isStatus(job.status) ? t.states.names[job.status] : job.status
  const counts: Partial<Record<(typeof TABS)[number], string>> = {}
  if (checkpoints?.length) counts.checkpoints = count(checkpoints.length)
  const tabs = useMemo(
    () =>
      TABS.map((one) => {
        const query = new URLSearchParams(search)
        if (one === TABS[0]) query.delete('tab')
        else query.set('tab', one)
        return { id: one, to: `?${query}` }
      }),
    [search],
  )
  return (
    <Page
      title={nameOf(job)}
      tabState={job.status}
      tabTitle={`${progress ?? status} · ${nameOf(job)}`}
      trail={[{ label: t.jobs.title, to: paths.jobs() }]}
      aside={
        <>
          <StateBadge status={job.status} />
          <CopyButton text={job.id} what={t.job.copyId} />
          <EndNotice job={job} />
        </>
      }
      actions={<Actions job={job} curve={curve} entries={entries} checkpoints={checkpoints} />}
    >
      {watched && job.fine_tuned_model && <Ready job={job} tuned={job.fine_tuned_model} />}
      <Head job={job} curve={curve} events={events} entries={entries} asOfS={byServer(read.dataUpdatedAt)} />
      <Tabs
        label={t.job.tabs}
        current={tab}
        tabs={tabs.map((one) => ({ ...one, label: t.job[one.id], count: counts[one.id] }))}
      />
      <TabPanel current={tab}>
        {source?.error != null && <Problem error={source.error} onRetry={source.refetch} />}
        {!source?.isLoadingError && (
          <>
            {tab === 'metrics' && (
              <Metrics
                job={job}
                curve={curve}
                events={events}
                loading={read.isPending}
                checkpoints={checkpoints ?? NO_CHECKPOINTS}
              />
            )}
            {tab === 'events' && <Events job={job} events={told.data} />}
            {tab === 'checkpoints' && <Checkpoints job={job} curve={curve} checkpoints={checkpoints} />}
            {tab === 'config' && <Config job={job} events={events} />}
            {tab === 'files' && <Files job={job} />}
          </>
        )}
      </TabPanel>
    </Page>
  )
}
