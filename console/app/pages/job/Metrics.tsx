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
import { Compare } from './Compare'
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
  const others = useOthers(view.versus)
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
        const caption = captionOf(kind, curve, t)
        const remark = hidden ? `${t.chart.between}${t.chart.notShown({ count: count(hidden) })}` : ''
        return { kind, lines, log, caption: caption + remark }
      }),
    [curve, jobs, view.axis, view.smoothing, view.scale, t],
  )
  const onKey = (key: string) => {
    if (key === 'l') view.setScale(view.scale === 'log' ? 'linear' : 'log')
    if (key === 't') setAsTable(!asTable)
  }
  if (loading && !curve.steps.length) return <Skeleton height="20rem" lines={2} />
  if (!curve.steps.length) {
    return <p className={styles.empty}>{isLive(job) ? t.chart.empty : t.chart.noCurve}</p>
  }
  return (
    <div className={styles.metrics}>
      <OverfitHint job={job} curve={curve} checkpoints={checkpoints} />
      <Controls job={job} curve={curve} view={view} asTable={asTable} onTable={setAsTable} />
      {asTable ? (
        <ChartTable curve={curve} />
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
              formatX={(x) => placeText(view.axis, x)}
              formatY={kind.format}
              tickY={kind.tick}
              onKey={onKey}
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
      <Compare job={job} others={otherJobs} ids={view.versus} onVersus={setVersus} />
    </div>
  )
}

/** Each by its name; those of one name also by the end of their id. */
function named(jobs: Other[]): Compared[] {
  const names = jobs.map(({ job }) => nameOf(job))
  return jobs.map(({ job, curve }) => {
    const name = nameOf(job)
    const alone = names.filter((one) => one === name).length === 1
    return { id: job.id, name: alone ? name : `${name} …${job.id.slice(-4)}`, curve }
  })
}

type Other = { job: Job; curve: Curve }

/** The jobs that the URL names beside this one, as far as they have come. */
function useOthers(ids: string[]): Other[] {
  const client = useQueryClient()
  const jobs = useQueries({ queries: ids.map((id) => jobQuery(id)) })
  const found = jobs.flatMap((query) => (query.data ? [query.data] : []))
  const curves = useQueries({ queries: found.map((job) => curveQuery(client, job.id, isLive(job))) })
  const key = curves.map((query) => query.dataUpdatedAt).join()
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key says when any of them has changed
  return useMemo(
    () => found.map((job, index) => ({ job, curve: curves[index]?.data?.curve ?? emptyCurve() })),
    [key, found.map((job) => job.id + job.status).join()],
  )
}

export function placeText(axis: Axis, x: number): string {
  if (axis === 'time') return duration(x)
  return axis === 'epoch' ? x.toFixed(2).replace(/\.?0+$/, '') : count(Math.round(x))
}

function captionOf(kind: ChartKind, curve: Curve, t: Messages): string {
  const words = said(curve, kind.train, kind.full, kind.better)
  if (!words) return t.chart.empty
  const { from, to, steps, best } = words
  const first = t.chart.caption({
    name: t.chart[kind.id],
    from: kind.format(from),
    to: kind.format(to),
    steps: count(steps),
  })
  if (!best)
    return kind.id === 'loss' && !has(curve, kind.valid)
      ? `${first}${t.chart.between}${t.chart.captionNoValidation}`
      : first
  const say = kind.better === 'lower' ? t.chart.captionBestLow : t.chart.captionBestHigh
  return `${first}${t.chart.between}${say({ value: kind.format(best.value), step: count(best.step) })}`
}
