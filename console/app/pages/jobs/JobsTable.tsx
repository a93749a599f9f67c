/** The rows of the list: each links to its job, and can be ticked for a comparison. */
import { Link } from 'react-router'
import type { Job } from '@/api/client'
import { type ListedJob, methodOf, nameOf } from '@/api/jobs'
import { isLive } from '@/api/states'
import { type Messages, useT } from '@/i18n'
import { ago, count, duration, measure } from '@/lib/number'
import { Age, useNow } from '@/parts/Age'
import { Sparkline } from '@/parts/Sparkline'
import { StateBadge } from '@/parts/StateBadge'
import { paths } from '@/paths'
import { Table, type TableColumn } from '@/ui/Table'
import styles from './Jobs.module.css'

type Props = { jobs: ListedJob[]; ticked: string[]; onTick: (id: string) => void }

export function JobsTable({ jobs, ticked, onTick }: Props) {
  const t = useT()
  const now = useNow(1_000)
  const columns: TableColumn<ListedJob>[] = [
    {
      key: 'name',
      head: t.jobs.columns.name,
      bare: true,
      cell: (job) => (
        <div className={styles.name}>
          <input
            type="checkbox"
            aria-label={t.jobs.tick({ name: nameOf(job) })}
            checked={ticked.includes(job.id)}
            onChange={() => onTick(job.id)}
          />
          <div>
            <Link to={paths.job(job.id)}>{nameOf(job)}</Link>
            {job.user_provided_suffix && (
              <div className={styles.id} title={job.id}>
                {job.id}
              </div>
            )}
          </div>
        </div>
      ),
    },
    { key: 'status', head: t.jobs.columns.status, cell: (job) => <StateBadge status={job.status} /> },
    {
      key: 'base',
      head: t.jobs.columns.base,
      cell: (job) => (
        <div>
          <span className={styles.model}>{job.model}</span>
          <div className={styles.method}>{t.jobs.methods[methodOf(job)] ?? methodOf(job)}</div>
        </div>
      ),
    },
    {
      key: 'progress',
      head: t.jobs.columns.progress,
      cell: (job) => <Progress job={job} />,
    },
    {
      key: 'losses',
      head: t.jobs.columns.losses,
      number: true,
      cell: (job) => losses(job),
    },
    {
      key: 'tokens',
      head: t.jobs.columns.tokens,
      number: true,
      cell: (job) => (job.trained_tokens === null ? '' : count(job.trained_tokens)),
    },
    { key: 'took', head: t.jobs.columns.took, number: true, cell: (job) => took(job, now, t) },
    {
      key: 'created',
      head: t.jobs.columns.created,
      number: true,
      cell: (job) => <Age unixS={job.created_at} />,
    },
  ]
  return (
    <Table
      caption={t.jobs.caption}
      columns={columns}
      rows={jobs}
      rowKey={(job) => job.id}
      onTick={(job) => onTick(job.id)}
    />
  )
}

/** The last training loss and, after it, the loss on the validation data. */
function losses({ progress }: ListedJob): string {
  if (!progress || progress.train_loss === null) return ''
  const valid = progress.full_valid_loss ?? progress.valid_loss
  return valid === null ? measure(progress.train_loss) : `${measure(progress.train_loss)} · ${measure(valid)}`
}

function Progress({ job }: { job: ListedJob }) {
  const t = useT()
  const { progress } = job
  if (!progress?.step) return null
  const total = progress.total_steps
  return (
    <span className={styles.progress}>
      <Sparkline x={progress.curve.step} y={progress.curve.train_loss} />
      <span className="quiet">
        {total && isLive(job)
          ? `${count(progress.step)} / ${count(total)}`
          : t.jobs.steps({ steps: count(progress.step) })}
      </span>
    </span>
  )
}

function took(job: Job, nowS: number, t: Messages): string {
  if (job.finished_at !== null) return duration(job.finished_at - job.created_at)
  if (!isLive(job)) return ''
  if (job.estimated_finish !== null && job.estimated_finish > nowS) {
    return t.jobs.endsIn({ in: ago(job.estimated_finish, nowS) })
  }
  return t.jobs.since({ duration: duration(nowS - job.created_at) })
}
