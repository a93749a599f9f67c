/** How the curves are shown: axis, scale, smoothing, the stretch in view, and the same as a table or a file. */
import { useLayoutEffect, useMemo, useRef } from 'react'
import { useT } from '@/i18n'
import { type Axis, type Curve, places } from '@/lib/series'
import { saveCurves } from '@/parts/chart/ChartTable'
import { Button } from '@/ui/Button'
import { Input, Segments } from '@/ui/Field'
import styles from './Metrics.module.css'
import type { Compared, View } from './view'

type Props = {
  /** The job of the page, and those beside it. */
  jobs: Compared[]
  curve: Curve
  view: View
  asTable: boolean
  onTable: (asTable: boolean) => void
}
/** As the fields have it: whoever types what they see means the place itself. */
const shown = (place: number) => Number(place.toFixed(2))
const AXES: Axis[] = ['step', 'epoch', 'tokens', 'time']

export function Controls({ jobs, curve, view, asTable, onTable }: Props) {
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
      value={shown(name === 'from' ? from : to)}
      onTyped={(typed) => {
        const [low, high] = name === 'from' ? [typed, to] : [from, typed]
        const toEnd = high >= shown(last)
        const whole = low <= shown(first) && toEnd
        if (high > low) view.setZoom(whole ? null : { from: Math.max(first, low), to: toEnd ? null : high })
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
        <Button
          small
          icon="download"
          onClick={() => saveCurves(jobs, `${jobs[0]?.name}-${jobs.length > 1 ? 'compared' : 'metrics'}`)}
        >
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
  const found = useRef('')
  useLayoutEffect(() => {
    const field = input.current
    if (field && field !== document.activeElement) field.value = `${value}` // somebody may be typing there
  }, [value])
  return (
    <Input
      ref={input}
      className={styles.number}
      inputMode="decimal"
      aria-label={label}
      defaultValue={value}
      onFocus={({ target }) => {
        found.current = target.value
      }}
      onBlur={({ target }) => {
        const text = target.value.trim()
        target.value = `${value}` // until it is another one
        if (text && text !== found.current && Number.isFinite(Number(text))) onTyped(Number(text))
      }}
      onKeyDown={(event) => event.key === 'Enter' && event.currentTarget.blur()}
    />
  )
}
