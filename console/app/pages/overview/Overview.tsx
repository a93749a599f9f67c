/** What runs, what failed, what is new; and for whoever has nothing yet, one click to a tuned model. */
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import { jobsQuery, type ListedJob, nameOf } from '@/api/jobs'
import { isLive, LIVE_STATUSES } from '@/api/states'
import { Page } from '@/frame/Page'
import { useT } from '@/i18n'
import { ago, count, measure } from '@/lib/number'
import { Age, useNow } from '@/parts/Age'
import { DraftList } from '@/parts/DraftList'
import { Problem } from '@/parts/Problem'
import { Sparkline } from '@/parts/Sparkline'
import { StateBadge } from '@/parts/StateBadge'
import { CodeButton } from '@/parts/ViewCode'
import { paths } from '@/paths'
import { ButtonLink } from '@/ui/Button'
import { CopyButton } from '@/ui/CopyButton'
import { Skeleton } from '@/ui/Skeleton'
import { Devices } from './Devices'
import { FirstRun } from './FirstRun'
import styles from './Overview.module.css'

const LATELY = 5
const NEWEST = 20

export function Overview() {
  const t = useT()
  const { data, error, refetch } = useQuery(jobsQuery({ limit: NEWEST }))
  const jobs = data?.data
  if (jobs && !jobs.length)
    return (
      <div className={styles.sections}>
        <div>
          <FirstRun />
        </div>
        <DraftList onlyPending />
      </div>
    )
  return (
    <Page
      title={t.overview.title}
      actions={
        <>
          <CodeButton
            call={{
              method: 'GET',
              path: '/fine_tuning/jobs',
              name: 'fine_tuning.jobs.list',
              query: { limit: NEWEST },
              ownQuery: { include: 'progress' },
            }}
          />
          <ButtonLink kind="main" icon="plus" to={paths.newJob()}>
            {t.jobs.create}
          </ButtonLink>
        </>
      }
    >
      {error !== null && <Problem error={error} onRetry={refetch} />}
      {!jobs && !error && <Skeleton height="7rem" lines={3} />}
      {jobs && <Sections newest={jobs} />}
    </Page>
  )
}

function Sections({ newest }: { newest: ListedJob[] }) {
  const t = useT()
  // a job may run or be paused for long, while many others come and go
  const { data: live } = useQuery(jobsQuery({ status: LIVE_STATUSES }))
  const running = (live?.data ?? newest).filter(isLive)
  const failed = newest.filter((job) => job.status === 'failed').slice(0, LATELY)
  const doneLately = newest.filter((job) => job.fine_tuned_model)
  const { data: succeeded } = useQuery({
    ...jobsQuery({ status: 'succeeded', limit: LATELY }),
    enabled: !doneLately.length,
  })
  const done = (doneLately.length ? doneLately : (succeeded?.data ?? []))
    .filter((job) => job.fine_tuned_model)
    .slice(0, LATELY)
  return (
    <div className={styles.sections}>
      <Section title={t.overview.running} empty={t.overview.nothingRuns}>
        {running.map((job) => (
          <Row key={job.id} job={job}>
            <Progress job={job} />
            <Ends job={job} />
          </Row>
        ))}
      </Section>
      <Devices />
      <DraftList onlyPending />
      {failed.length > 0 && (
        <Section title={t.overview.failed}>
          {failed.map((job) => (
            <Row key={job.id} job={job}>
              <span className={styles.reason}>{job.error?.message}</span>
            </Row>
          ))}
        </Section>
      )}
      <Section title={t.overview.finished} empty={t.overview.noModels}>
        {done.map((job) => (
          <li key={job.id} className={styles.row}>
            <Link to={paths.job(job.id)} className={styles.name}>
              {nameOf(job)}
            </Link>
            <span className={styles.model}>
              <code>{job.fine_tuned_model}</code>
              <CopyButton text={job.fine_tuned_model ?? ''} what={t.job.copyName} />
            </span>
            <span className="quiet">{job.finished_at !== null && <Age unixS={job.finished_at} />}</span>
          </li>
        ))}
      </Section>
      <p>
        <Link to={paths.jobs()}>{t.overview.allJobs}</Link>
      </p>
    </div>
  )
}

function Section({ title, empty, children }: { title: string; empty?: string; children: ReactNode[] }) {
  return (
    <section>
      <h2 className={styles.heading}>{title}</h2>
      {children.length ? <ul className={styles.rows}>{children}</ul> : <p className="quiet">{empty}</p>}
    </section>
  )
}

function Row({ job, children }: { job: ListedJob; children: ReactNode }) {
  return (
    <li className={styles.row}>
      <Link to={paths.job(job.id)} className={styles.name}>
        {nameOf(job)}
      </Link>
      <StateBadge status={job.status} />
      {children}
    </li>
  )
}

/** How far it is and how well it does, where the server says so in its list. */
function Progress({ job }: { job: ListedJob }) {
  const t = useT()
  const { progress } = job
  if (!progress?.step || !progress.total_steps) return null
  const place = { step: count(progress.step), total: count(progress.total_steps) }
  return (
    <span className={styles.progress}>
      <progress
        value={progress.step}
        max={progress.total_steps}
        aria-label={`${nameOf(job)}: ${t.job.progress}`}
      />
      <span>{t.job.step(place)}</span>
      <Sparkline x={progress.curve.step} y={progress.curve.train_loss} />
      <span className="quiet">
        {t.chart.loss} {measure(progress.train_loss)}
      </span>
    </span>
  )
}

function Ends({ job }: { job: ListedJob }) {
  const t = useT()
  const now = useNow(1_000)
  const at = job.estimated_finish
  return (
    <span className="quiet">
      {at !== null && at > now ? t.jobs.endsIn({ in: ago(at, now) }) : <Age unixS={job.created_at} />}
    </span>
  )
}
