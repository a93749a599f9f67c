/** How the curves are shown: axis, scale, smoothing, the stretch in view, and the same as a table or a file. */
import { useLayoutEffect, useMemo, useRef } from 'react'
import type { Job } from '@/api/client'
import { nameOf } from '@/api/jobs'
import { useT } from '@/i18n'
import { type Axis, type Curve, places } from '@/lib/series'
import { saveCurve } from '@/parts/chart/ChartTable'
import { Button } from '@/ui/Button'
import { Input, Segments } from '@/ui/Field'
import styles from './Metrics.module.css'
import type { View } from './view'

type Props = { job: Job; curve: Curve; view: View; asTable: boolean; onTable: (asTable: boolean) => void }
const AXES: Axis[] = ['step', 'epoch', 'tokens', 'time']

export function Controls({ job, curve, view, asTable, onTable }: Props) {
  const t = useT()
  const x = useMemo(() => places(curve, view.axis) ?? [], [curve, view.axis])
  const told = useMemo(() => AXES.map((axis) => places(curve, axis) !== null), [curve])
  const first = x[0] ?? 0
  const last = x.at(-1) ?? 0
  const { zoom } = view
  const from = zoom?.from ?? first
  const to = zoom?.to ?? last
  const pan = (by: number) => {
    const width = to - from
    const start = Math.max(first, Math.min(last - width, from + by * width))
    view.setZoom({ from: start, to: start + width >= last ? null : start + width })
  }
  const field = (name: 'from' | 'to') => (
    <Bound
      label={`${t.chart.axes[view.axis]}: ${t.chart[name]}`}
      value={Number((name === 'from' ? from : to).toFixed(2))}
      onTyped={(typed) => {
        const [low, high] = name === 'from' ? [typed, to] : [from, typed]
        const whole = low <= first && high >= last
        if (high > low && (low !== from || high !== to)) {
          view.setZoom(whole ? null : { from: Math.max(first, low), to: high >= last ? null : high })
        }
      }}
    />
  )
  return (
    <div className={styles.controls}>
      <Segments
        legend={t.chart.axis}
        hidden
        value={view.axis}
        options={AXES.map((value, index) => ({
          value,
          label: t.chart.axes[value],
          disabledReason: told[index] ? undefined : t.chart.noAxis,
        }))}
        onChange={(axis) => {
          view.setAxis(axis)
          view.setZoom(null)
        }}
      />
      <Segments
        legend={t.chart.scale}
        hidden
        value={view.scale}
        options={[
          { value: 'linear', label: t.chart.linear },
          { value: 'log', label: t.chart.log },
        ]}
        onChange={view.setScale}
      />
      <label className={styles.smoothing}>
        {t.chart.smoothing}
        <input
          type="range"
          min="0"
          max="0.99"
          step="0.01"
          value={view.smoothing}
          onChange={(event) => view.setSmoothing(Number(event.target.value))}
        />
        <output>{view.smoothing.toFixed(2)}</output>
      </label>
      <span className={styles.range}>
        {field('from')}
        <span className="quiet">{t.chart.to}</span>
        {field('to')}
        {zoom && (
          <>
            <Button small icon="left" aria-label={t.chart.earlier} onClick={() => pan(-0.5)} />
            <Button small icon="right" aria-label={t.chart.later} onClick={() => pan(0.5)} />
          </>
        )}
        <Button small onClick={() => view.setZoom(null)}>
          {t.chart.all}
        </Button>
      </span>
      <span className={styles.end}>
        <Button small aria-pressed={asTable} onClick={() => onTable(!asTable)}>
          {asTable ? t.chart.asChart : t.chart.asTable}
        </Button>
        <Button small icon="download" onClick={() => saveCurve(curve, `${nameOf(job)}-metrics`)}>
          {t.chart.csv}
        </Button>
      </span>
    </div>
  )
}

/** One end of the stretch in view. It is told of each frame of a pan, so it stays in place and only its text changes. */
function Bound({
  label,
  value,
  onTyped,
}: {
  label: string
  value: number
  onTyped: (typed: number) => void
}) {
  const input = useRef<HTMLInputElement>(null)
  useLayoutEffect(() => {
    if (input.current) input.current.value = `${value}`
  }, [value])
  return (
    <Input
      ref={input}
      className={styles.number}
      inputMode="decimal"
      aria-label={label}
      defaultValue={value}
      onBlur={({ target }) => {
        const typed = Number(target.value)
        if (target.value.trim() && Number.isFinite(typed)) onTyped(typed)
        else target.value = `${value}`
      }}
      onKeyDown={(event) => event.key === 'Enter' && event.currentTarget.blur()}
    />
  )
}
