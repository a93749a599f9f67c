/** The canvas of a chart: uPlot, kept in step with what React knows. Loaded when a chart is first shown. */
import { useEffect, useEffectEvent, useLayoutEffect, useMemo, useRef } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { useColours } from '@/frame/preferences'
import { useT } from '@/i18n'
import type { Range } from '@/lib/urlState'
import styles from './Chart.module.css'
import type { Line } from './model'
import { coloursOf, type Format, optionsOf } from './options'

export type ChartProps = {
  lines: Line[]
  /** Ids of the lines that are not drawn; the axes stay as if they were. */
  hidden: ReadonlySet<string>
  log: boolean
  height: number
  range: Range | null
  /** Where the axis has a further attempt go on. */
  seams: number[]
  /** Where the numbers ran away. */
  faults: number[]
  syncKey: string
  formatX: Format
  formatY: Format
  onRange: (from: number, to: number) => void
  /** The place on the axis under the cursor. */
  onCursor: (x: number | null) => void
  /** Set from outside: the place that the keys have reached. */
  cursorX: number | null
}

/** All lines over one axis; those of one job share theirs and need no joining. */
function joined(lines: Line[], log: boolean): uPlot.AlignedData {
  const shown = (line: Line) =>
    log ? line.y.map((value) => (value !== null && value > 0 ? value : null)) : line.y
  const first = lines[0]
  if (!first) return [[]]
  if (lines.every((line) => line.x === first.x)) return [first.x, ...lines.map(shown)]
  return uPlot.join(lines.map((line) => [line.x, shown(line)] as uPlot.AlignedData))
}

/** Puts the cursor where the keys have reached, wherever that now is. */
function follow(chart: uPlot | null, x: number | null): void {
  if (chart && x !== null) chart.setCursor({ left: chart.valToPos(x, 'x'), top: chart.over.clientHeight / 2 })
}

export default function Chart(props: ChartProps) {
  const { lines, hidden, log, height, range, seams, faults, syncKey, cursorX } = props
  const t = useT()
  const colours = useColours()
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const zoom = useRef(range)
  const marks = useRef({ seams, faults })
  const data = useMemo(() => joined(lines, log), [lines, log])
  const newest = useRef(data)
  const looks = lines.map((line) => [line.id, line.kind, line.colour, line.label].join()).join('|')
  const onSelect = useEffectEvent(props.onRange)
  /** The place that the keys have reached: it stays while points come and the view moves, until a pointer comes. */
  const kept = useRef<number | null>(null)
  const told = useRef<number | null>(null)
  /** Of several charts over one axis, the one where the pointer or the focus is. */
  const leading = useRef(false)
  const onCursor = useEffectEvent((index: number | null) => {
    if (kept.current !== null) return
    told.current = index === null ? null : (newest.current[0][index] ?? null)
    props.onCursor(told.current)
  })
  const formatX = useEffectEvent(props.formatX)
  const formatY = useEffectEvent(props.formatY)

  // biome-ignore lint/correctness/useExhaustiveDependencies: made anew when its looks change, not with each point
  useLayoutEffect(() => {
    const element = place.current
    if (!element) return
    const lead = (leads: boolean) => {
      leading.current = leads
      kept.current = null
    }
    const options = optionsOf({
      lines,
      hidden,
      log,
      height,
      syncKey,
      width: Math.max(200, element.clientWidth),
      colours: coloursOf(element),
      font: `12px ${getComputedStyle(document.body).fontFamily}`,
      formatX: (value) => formatX(value),
      formatY: (value) => formatY(value),
      zoom: () => zoom.current,
      seams: () => marks.current.seams,
      faults: () => marks.current.faults,
      onSelect: (from, to) => onSelect(from, to),
      onCursor: (index) => onCursor(index),
      onOther: () => lead(false),
      leads: () => leading.current,
    })
    const made = new uPlot(options, newest.current, element)
    made.over.addEventListener('pointermove', () => lead(true))
    plot.current = made
    const watcher = new ResizeObserver(() =>
      made.setSize({ width: Math.max(200, element.clientWidth), height }),
    )
    watcher.observe(element)
    return () => {
      watcher.disconnect()
      made.destroy()
      plot.current = null
    }
  }, [looks, log, height, syncKey, colours, t])

  // biome-ignore lint/correctness/useExhaustiveDependencies: new lines are made with what is hidden
  useEffect(() => {
    const chart = plot.current
    lines.forEach((line, index) => {
      const show = !hidden.has(line.id)
      if (chart && chart.series[index + 1]?.show !== show) chart.setSeries(index + 1, { show })
    })
  }, [hidden])

  useEffect(() => {
    marks.current = { seams, faults }
    newest.current = data
    plot.current?.setData(data)
    queueMicrotask(() => follow(plot.current, kept.current)) // behind uPlot's own, which draws
  }, [data, seams, faults])

  useEffect(() => {
    zoom.current = range
    const x = newest.current[0]
    const min = x[0]
    const max = x.at(-1)
    if (min !== undefined && max !== undefined) plot.current?.setScale('x', { min, max })
    queueMicrotask(() => follow(plot.current, kept.current))
  }, [range])

  useEffect(() => {
    if (cursorX !== told.current) {
      leading.current = true
      kept.current = cursorX
    }
    follow(plot.current, kept.current)
  }, [cursorX])

  return <div ref={place} className={styles.place} style={{ blockSize: height }} />
}
