/** What a job is and how far it has come: progress, facts, stages, and why it failed if it did. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import type { Job, JobEvent } from '@/api/client'
import { methodOf, settingsOf } from '@/api/jobs'
import { startUpQuery } from '@/api/startUp'
import { isLive } from '@/api/states'
import { type Messages, useT } from '@/i18n'
import { ago, clockOf, clockRange, count, duration, pace } from '@/lib/number'
import { endsBetween, silence } from '@/lib/pace'
import { type Curve, epochAt } from '@/lib/series'
import { type Entry, pausedAt } from '@/lib/timeline'
import { Age, useNow } from '@/parts/Age'
import { Timeline } from '@/parts/Timeline'
import { CopyButton } from '@/ui/CopyButton'
import { Icon } from '@/ui/Icon'
import { Failure } from './Failure'
import styles from './Head.module.css'
import { useReceipt } from './Receipt'

type Props = {
  job: Job
  curve: Curve
  events: JobEvent[]
  /** The stages of the job. */
  entries: Entry[]
  /** When the server was heard of the curve last, in Unix seconds. */
  asOfS: number
}

export function Head({ job, curve, events, entries, asOfS }: Props) {
  const t = useT()
  const now = useNow(1_000)
  const live = isLive(job)
  const receipt = useReceipt(job)
  const facts: [string, ReactNode][] = [
    [t.job.base, <code key="base">{job.model}</code>],
    [t.job.method, t.jobs.methods[methodOf(job)] ?? methodOf(job)],
  ]
  if (job.trained_tokens !== null) facts.push([t.job.tokens, count(job.trained_tokens)])
  if (job.finished_at !== null) facts.push([t.job.took, duration(job.finished_at - job.created_at)])
  facts.push(...receipt)
  facts.push([t.job.created, <Age key="created" unixS={job.created_at} />])
  return (
    <section className={styles.head}>
      {job.error && <Failure job={job} events={events} />}
      {job.fine_tuned_model && (
        <p className={styles.model}>
          <span className="quiet">{t.job.model}</span>
          <code>{job.fine_tuned_model}</code>
          <CopyButton text={job.fine_tuned_model} what={t.job.copyName} />
        </p>
      )}
      {live && <Progress job={job} curve={curve} entries={entries} asOfS={asOfS} nowS={now} />}
      <dl className={styles.facts}>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <Timeline entries={entries} live={live} />
    </section>
  )
}

type Going = { job: Job; curve: Curve; entries: Entry[]; nowS: number }
/** How long an earlier job took until its first step. */
type Earlier = { startUpS: number | null | undefined }

function Progress({ job, curve, entries, asOfS, nowS }: Going & { asOfS: number }) {
  const t = useT()
  const step = curve.steps.at(-1) ?? 0
  const total = curve.totalSteps
  const awaited = job.status === 'running' && !step
  const { data: startUpS } = useQuery({ ...startUpQuery(useQueryClient(), job), enabled: awaited })
  const quiet = job.status === 'running' ? silence(curve, entries, asOfS) : null // of a server that is away nobody knows
  return (
    <div className={styles.progress}>
      <progress
        className={styles.bar}
        max={1}
        value={total ? step / total : job.status === 'running' ? undefined : 0}
        aria-label={t.job.progress}
      />
      <p className={styles.line}>
        {total && step ? <strong>{t.job.step({ step: count(step), total: count(total) })}</strong> : null}
        <span>{words({ job, curve, entries, nowS, startUpS }, t)}</span>
        <span className={styles.close}>{t.job.youCanClose}</span>
      </p>
      {quiet && (
        <p className={styles.silent}>
          <Icon name="warn" />
          {t.job.silent({ since: duration(quiet.sinceS), usual: pace(quiet.usualS) })}
        </p>
      )}
    </div>
  )
}

function words({ job, curve, entries, nowS, startUpS }: Going & Earlier, t: Messages): string {
  const step = curve.steps.at(-1) ?? 0
  if (job.status === 'validating_files') return t.job.validating
  if (job.status === 'queued') {
    const ahead = entries.findLast((entry) => entry.ahead !== null)?.ahead
    return ahead ? t.job.waitingBehind({ count: ahead }) : t.job.waiting
  }
  if (job.status === 'paused') {
    const at = pausedAt(entries) ?? step
    return at ? t.job.pausedAt({ step: count(at) }) : t.job.pausedEarly
  }
  if (!step) {
    const begun = entries.at(-1)
    const leftS = begun && startUpS ? begun.atS + startUpS - nowS : 0
    return leftS >= 1 ? t.job.firstStepIn({ in: duration(leftS) }) : t.job.firstStep
  }
  const parts: string[] = []
  const epochs = Number(settingsOf(job).n_epochs)
  const epoch = epochAt(curve, step)
  if (epoch && epochs) parts.push(t.job.epoch({ epoch, total: count(epochs) }))
  const end = job.estimated_finish
  if (end !== null && end > nowS) {
    const span = endsBetween(curve, entries)
    const at = span
      ? clockRange(Math.min(span.fromS, end), Math.max(span.toS, end), nowS)
      : clockOf(end, nowS)
    parts.push(t.job.endsIn({ in: ago(end, nowS), at }))
  }
  return parts.join(' · ')
}
