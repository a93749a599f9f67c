/** The curves of a job, alone or beside others, with everything that changes how one looks at them. */
import { useQueries, useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import type { Checkpoint, Job, JobEvent } from '@/api/client'
import { curveQuery } from '@/api/curve'
import { jobQuery, nameOf } from '@/api/jobs'
import { isLive } from '@/api/states'
import { type Messages, useT } from '@/i18n'
import { diverged } from '@/lib/failure'
import { count, duration } from '@/lib/number'
import { type Axis, type Curve, emptyCurve, has, notPositive, places, said } from '@/lib/series'
import { ChartTable } from '@/parts/chart/ChartTable'
import { LossChart } from '@/parts/chart/LossChart'
import { Skeleton } from '@/ui/Skeleton'
import { Compare, type Lost } from './Compare'
import { Controls } from './Controls'
import styles from './Metrics.module.css'
import { OverfitHint } from './OverfitHint'
import { CHARTS, type ChartKind, type Compared, linesOf, useView } from './view'

type Props = {
  job: Job
  curve: Curve
  events: readonly JobEvent[]
  loading: boolean
  checkpoints: Checkpoint[]
}

export function Metrics({ job, curve, events, loading, checkpoints }: Props) {
  const t = useT()
  const view = useView()
  const [asTable, setAsTable] = useState(false)
  /** The chart that a key has left for the table: it gets the focus back. */
  const [left, setLeft] = useState<ChartKind['id'] | null>(null)
  const ids = useMemo(() => view.versus.filter((id) => id !== job.id), [view.versus, job.id])
  const { others, lost } = useOthers(ids)
  const jobs = useMemo<Compared[]>(() => named([{ job, curve }, ...others]), [job, curve, others])
  const otherJobs = useMemo(() => others.map((other) => other.job), [others])
  // the same function as long as the page lives, whatever the URL holds meanwhile
  const versus = useRef(view.setVersus)
  useEffect(() => {
    versus.current = view.setVersus
  })
  const setVersus = useCallback((ids: string[]) => versus.current(ids), [])
  const seams = useMemo(() => {
    const x = places(curve, view.axis) ?? []
    return curve.seams.flatMap((seam) => x[curve.steps.indexOf(seam)] ?? [])
  }, [curve, view.axis])
  const fault = useMemo(() => diverged(events), [events])
  const faults = useMemo(() => {
    // the step that failed told no number: its place is the end of the curve
    const last = (places(curve, view.axis) ?? []).at(-1)
    return fault && last !== undefined ? [last] : []
  }, [fault, curve, view.axis])
  // everything that looks at each point is done here, once, and not again while one pans
  const drawn = useMemo(
    () =>
      CHARTS.filter((kind) => jobs.some((one) => has(one.curve, kind.train))).map((kind) => {
        const lines = linesOf(kind, jobs, view.axis, view.smoothing, t)
        const log = kind.id === 'loss' && view.scale === 'log'
        const hidden = log ? lines.reduce((sum, line) => sum + notPositive(line.y), 0) : 0
        const captions = jobs.map((one) => captionOf(kind, one, jobs.length > 1, t))
        const caption = captions.filter(Boolean).join(t.chart.between)
        const remark = hidden ? `${t.chart.between}${t.chart.notShown({ count: count(hidden) })}` : ''
        return { kind, lines, log, caption: caption + remark }
      }),
    [jobs, view.axis, view.smoothing, view.scale, t],
  )
  const formatX = useCallback((x: number) => placeText(view.axis, x), [view.axis])
  const onKey = (key: string, chart: ChartKind['id'] | null) => {
    if (key === 'l') view.setScale(view.scale === 'log' ? 'linear' : 'log')
    if (key !== 't') return
    if (chart) setLeft(chart)
    setAsTable(!asTable)
  }
  const onTable = (table: boolean) => {
    setLeft(null)
    setAsTable(table)
  }
  if (loading && !curve.steps.length) return <Skeleton height="20rem" lines={2} />
  if (!curve.steps.length)
    return isLive(job) ? <Awaited /> : <p className={styles.empty}>{t.chart.noCurve}</p>
  return (
    <div className={styles.metrics}>
      <OverfitHint job={job} curve={curve} checkpoints={checkpoints} />
      <Controls jobs={jobs} curve={curve} view={view} asTable={asTable} onTable={onTable} />
      {asTable ? (
        <ChartTable runs={jobs} focused={left !== null} onKey={(key) => onKey(key, null)} />
      ) : (
        <div className={styles.charts}>
          {drawn.map(({ kind, lines, log, caption }) => (
            <LossChart
              key={kind.id}
              title={t.chart[kind.id]}
              lines={lines}
              caption={caption}
              log={log}
              range={view.zoom}
              onRange={view.setZoom}
              seams={seams}
              faults={faults}
              syncKey={job.id}
              axisLabel={t.chart.axes[view.axis]}
              formatX={formatX}
              formatY={kind.format}
              tickY={kind.tick}
              onKey={(key) => onKey(key, kind.id)}
              focused={left === kind.id}
            />
          ))}
        </div>
      )}
      {!asTable && (seams.length > 0 || fault) && (
        <p className={styles.marks}>
          {seams.length > 0 &&
            t.chart.seams({ steps: curve.seams.map(count).join(', '), count: seams.length })}{' '}
          {fault && <strong>{t.chart.fault({ step: count(fault.step) })}</strong>}
        </p>
      )}
      <Compare job={job} others={otherJobs} lost={lost} ids={ids} onVersus={setVersus} />
    </div>
  )
}

/** The place of a curve that has not begun, so that nothing jumps when it does. */
function Awaited() {
  const t = useT()
  return (
    <figure className={styles.awaited}>
      <h2>{t.chart.loss}</h2>
      <div aria-hidden="true" />
      <figcaption>{t.chart.empty}</figcaption>
    </figure>
  )
}

/** Each by its name; those of one name also by the end of their id. */
function named(jobs: Other[]): Compared[] {
  const names = jobs.map(({ job }) => nameOf(job))
  return jobs.map(({ job, curve }) => {
    const name = nameOf(job)
    const alone = names.filter((one) => one === name).length === 1
    return {
      id: job.id,
      name: alone ? name : `${name} …${job.id.slice(-4)}`,
      curve,
      validated: job.validation_file !== null,
    }
  })
}

type Other = { job: Job; curve: Curve }

/** The jobs that the URL names beside this one, as far as they have come; and those that cannot be read. */
function useOthers(ids: string[]): { others: Other[]; lost: Lost[] } {
  const client = useQueryClient()
  const jobs = useQueries({ queries: ids.map((id) => jobQuery(id)) })
  const found = jobs.flatMap((query) => (query.data ? [query.data] : []))
  const curves = useQueries({ queries: found.map((job) => curveQuery(client, job.id, isLive(job))) })
  const key = curves.map((query) => query.dataUpdatedAt).join()
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key says when any of them has changed
  const others = useMemo(
    () => found.map((job, index) => ({ job, curve: curves[index]?.data?.curve ?? emptyCurve() })),
    [key, found.map((job) => job.id + job.status).join()],
  )
  const unread = ids.filter((_, index) => jobs[index]?.isLoadingError)
  // biome-ignore lint/correctness/useExhaustiveDependencies: by their ids, which say when others are lost
  const lost = useMemo(
    () => unread.map((id): Lost => ({ id, error: jobs[ids.indexOf(id)]?.error })),
    [unread.join()],
  )
  return { others, lost }
}

export function placeText(axis: Axis, x: number): string {
  if (axis === 'time') return duration(x)
  if (axis === 'step' && !Number.isInteger(x)) return '' // a mark between two steps
  return axis === 'epoch' ? x.toFixed(2).replace(/\.?0+$/, '') : count(Math.round(x))
}

/** In words what a chart shows of a job, under the job's name where there are several. */
function captionOf(
  kind: ChartKind,
  { name, curve, validated }: Compared,
  several: boolean,
  t: Messages,
): string {
  const words = said(curve, kind.train, kind.full, kind.better)
  if (!words) return several ? '' : t.chart.empty
  const { from, to, steps, best } = words
  const first = t.chart.caption({
    name: several ? name : t.chart[kind.id],
    from: kind.format(from),
    to: kind.format(to),
    steps: count(steps),
  })
  if (!best)
    return kind.id === 'loss' && !validated
      ? `${first}${t.chart.between}${t.chart.captionNoValidation}`
      : first
  const say = kind.better === 'lower' ? t.chart.captionBestLow : t.chart.captionBestHigh
  return `${first}${t.chart.between}${say({ value: kind.format(best.value), step: count(best.step) })}`
}
