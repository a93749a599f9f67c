/** How a curve is looked at, as it stands in the URL; and the lines that follow from it. */
import { useEffect, useRef, useState } from 'react'
import { useUrlState } from '@/frame/useUrlState'
import type { Messages } from '@/i18n'
import { measure, percent, tick } from '@/lib/number'
import { type Axis, type Column, type Curve, has, type Metric, places } from '@/lib/series'
import { smooth } from '@/lib/smooth'
import { list, number, oneOf, type Range, range } from '@/lib/urlState'
import { DASHES, type Line } from '@/parts/chart/model'

export const MOST_COMPARED = 8
const AXIS = oneOf<Axis>('step', 'epoch', 'tokens', 'time')
const SCALE = oneOf('linear', 'log')
const SMOOTHING = number(0, 0.99, 0.6)
const VERSUS = list(MOST_COMPARED - 1)
const URL_MS = 250

export type ChartKind = {
  id: 'loss' | 'accuracy' | 'rewardMargin' | 'rewardAccuracy'
  train: Metric
  valid: Metric
  full: Metric
  better: 'lower' | 'higher'
  format: (value: number) => string
  /** On the axis, where there is less room. */
  tick: (value: number) => string
}
const share = (value: number) => percent(value, 1)
const shareTick = (value: number) => percent(value)
export const CHARTS: ChartKind[] = [
  {
    id: 'loss',
    train: 'train_loss',
    valid: 'valid_loss',
    full: 'full_valid_loss',
    better: 'lower',
    format: measure,
    tick,
  },
  {
    id: 'accuracy',
    train: 'train_mean_token_accuracy',
    valid: 'valid_mean_token_accuracy',
    full: 'full_valid_mean_token_accuracy',
    better: 'higher',
    format: share,
    tick: shareTick,
  },
  {
    id: 'rewardMargin',
    train: 'train_reward_margin',
    valid: 'valid_reward_margin',
    full: 'full_valid_reward_margin',
    better: 'higher',
    format: measure,
    tick,
  },
  {
    id: 'rewardAccuracy',
    train: 'train_reward_accuracy',
    valid: 'valid_reward_accuracy',
    full: 'full_valid_reward_accuracy',
    better: 'higher',
    format: share,
    tick: shareTick,
  },
]

export function useView() {
  const [axis, setAxis] = useUrlState('x', AXIS)
  const [scale, setScale] = useUrlState('y', SCALE)
  const [smoothing, setSmoothing] = useLazily(...useUrlState('s', SMOOTHING))
  const [zoom, setZoom] = useLazily<Range | null>(...useUrlState('r', range))
  const [versus, setVersus] = useUrlState('vs', VERSUS)
  return { axis, setAxis, scale, setScale, smoothing, setSmoothing, zoom, setZoom, versus, setVersus }
}
export type View = ReturnType<typeof useView>

/** Shown at once, written to the URL when it rests: browsers take only so many addresses a second. */
function useLazily<T>(kept: T, keep: (value: T) => void): [T, (value: T) => void] {
  const [value, setValue] = useState(kept)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const pending = useRef(false)
  useEffect(() => {
    if (!pending.current) setValue(kept)
  }, [kept])
  useEffect(() => () => clearTimeout(timer.current), [])
  const set = (changed: T) => {
    setValue(changed)
    pending.current = true
    clearTimeout(timer.current)
    timer.current = setTimeout(() => {
      pending.current = false
      keep(changed)
    }, URL_MS)
  }
  return [value, set]
}

export type Compared = {
  id: string
  name: string
  curve: Curve
  /** It has a validation file, whether or not it was used yet. */
  validated: boolean
}

/** The lines of one chart: one job in detail, or several by their smoothed curves. */
export function linesOf(
  kind: ChartKind,
  jobs: Compared[],
  axis: Axis,
  smoothing: number,
  t: Messages,
): Line[] {
  const [first] = jobs
  if (!first) return []
  if (jobs.length > 1)
    return jobs.flatMap((job, index) => comparedLines(kind, job, index, axis, smoothing, t))
  const { curve } = first
  const x = places(curve, axis) ?? curve.steps
  const train = curve.columns[kind.train]
  const lines: Line[] = []
  const add = (id: string, label: string, look: Line['kind'], y: Column, colour: number) =>
    lines.push({ id, label, kind: look, x, y, colour })
  const trained = has(curve, kind.train)
  // later ones lie on top: what is noisy does not hide what is smooth
  if (trained && smoothing) add('train', t.chart.train, 'raw', train, 1)
  if (has(curve, kind.valid)) add('valid', t.chart.valid, 'dots', curve.columns[kind.valid], 3)
  if (trained && !smoothing) add('train', t.chart.train, 'line', train, 1)
  if (trained && smoothing) add('smooth', t.chart.smoothed, 'line', smooth(train, smoothing), 1)
  if (has(curve, kind.full)) add('full', t.chart.fullValidTrust, 'marks', curve.columns[kind.full], 2)
  return lines
}

function comparedLines(
  kind: ChartKind,
  { id, name, curve, validated }: Compared,
  index: number,
  axis: Axis,
  smoothing: number,
  t: Messages,
): Line[] {
  const x = places(curve, axis)
  if (!x?.length || !has(curve, kind.train)) return []
  const common = { x, colour: index + 1, dash: DASHES[index] ?? [] }
  const train = smooth(curve.columns[kind.train], smoothing)
  const label = validated ? name : `${name} (${t.chart.compareNoValidation})`
  const lines: Line[] = [{ ...common, id: `${id}-train`, label, kind: 'line', y: train, endLabel: name }]
  if (has(curve, kind.full)) {
    const full = curve.columns[kind.full]
    lines.push({
      ...common,
      id: `${id}-full`,
      label: `${name}: ${t.chart.fullValid}`,
      kind: 'marks',
      y: full,
    })
  }
  return lines
}
