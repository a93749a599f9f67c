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
import { densePath } from './path'

export type ChartProps = {
  lines: Line[]
  log: boolean
  height: number
  range: Range | null
  /** Where the axis has a further attempt go on. */
  seams: number[]
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

export default function Chart(props: ChartProps) {
  const { lines, log, height, range, seams, syncKey, cursorX } = props
  const t = useT()
  const colours = useColours()
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const zoom = useRef(range)
  const marks = useRef(seams)
  const data = useMemo(() => joined(lines, log), [lines, log])
  const newest = useRef(data)
  const looks = lines.map((line) => [line.id, line.kind, line.colour, line.label].join()).join('|')
  const onSelect = useEffectEvent(props.onRange)
  const onCursor = useEffectEvent((index: number | null) =>
    props.onCursor(index === null ? null : (newest.current[0][index] ?? null)),
  )
  const formatX = useEffectEvent(props.formatX)
  const formatY = useEffectEvent(props.formatY)

  // biome-ignore lint/correctness/useExhaustiveDependencies: made anew when its looks change, not with each point
  useLayoutEffect(() => {
    const element = place.current
    if (!element) return
    const options = optionsOf({
      lines,
      log,
      height,
      syncKey,
      width: Math.max(200, element.clientWidth),
      colours: coloursOf(element),
      font: `12px ${getComputedStyle(document.body).fontFamily}`,
      formatX: (value) => formatX(value),
      formatY: (value) => formatY(value),
      zoom: () => zoom.current,
      seams: () => marks.current,
      onSelect: (from, to) => onSelect(from, to),
      onCursor: (index) => onCursor(index),
      path: densePath((uPlot.paths.linear as () => uPlot.Series.PathBuilder)()),
    })
    const made = new uPlot(options, newest.current, element)
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

  useEffect(() => {
    marks.current = seams
    newest.current = data
    plot.current?.setData(data)
  }, [data, seams])

  useEffect(() => {
    zoom.current = range
    const x = newest.current[0]
    const min = x[0]
    const max = x.at(-1)
    if (min !== undefined && max !== undefined) plot.current?.setScale('x', { min, max })
  }, [range])

  useEffect(() => {
    const chart = plot.current
    if (!chart || cursorX === null) return
    const left = chart.valToPos(cursorX, 'x')
    if (Math.abs((chart.cursor.left ?? -10) - left) > 0.5)
      chart.setCursor({ left, top: chart.over.clientHeight / 2 })
  }, [cursorX])

  return <div ref={place} className={styles.place} style={{ blockSize: height }} />
}
