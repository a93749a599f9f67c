/**
 * A chart that everybody can read: a figure with its legend, a caption in words, one stop for the focus, arrow
 * keys, and a voice that says where the cursor is.
 */
import {
  type KeyboardEvent,
  lazy,
  Suspense,
  useEffect,
  useId,
  useMemo,
  useState,
  type WheelEvent,
} from 'react'
import { useT } from '@/i18n'
import type { Range } from '@/lib/urlState'
import { Skeleton } from '@/ui/Skeleton'
import styles from './LossChart.module.css'
import type { Line } from './model'
import type { Format } from './options'
import { Swatch } from './Swatch'

const Chart = lazy(() => import('./Chart'))
const SAID_MS = 500
const HEIGHT = 250
const NONE: number[] = []

type Props = {
  title: string
  lines: Line[]
  caption: string
  log?: boolean
  range: Range | null
  onRange: (range: Range | null) => void
  seams: number[]
  faults?: number[]
  syncKey: string
  axisLabel: string
  formatX: Format
  formatY: Format
  tickY: Format
  /** Keys that belong to all charts of the page. */
  onKey?: (key: string) => void
}

export function LossChart(props: Props) {
  const {
    title,
    lines,
    caption,
    log = false,
    range,
    onRange,
    seams,
    faults = NONE,
    syncKey,
    axisLabel,
    formatX,
    formatY,
  } = props
  const t = useT()
  const id = useId()
  const [cursor, setCursor] = useState<number | null>(null)
  const axis = useMemo(() => merged(lines), [lines])
  const first = axis[0] ?? 0
  const last = axis.at(-1) ?? 0
  const view = { from: range?.from ?? first, to: range?.to ?? last }
  const reading = cursor === null ? null : read(lines, cursor, formatY)
  const spoken = useLater(
    reading && cursor !== null
      ? `${axisLabel} ${formatX(cursor)}: ${reading.map(({ line, text }) => `${line.label} ${text}`).join(', ')}`
      : '',
  )

  const show = (from: number, to: number) => {
    const least = Math.max(first, from)
    const most = Math.min(last, to)
    if (!(most > least)) return
    const atEnd = most >= last - (last - first) * 0.005
    onRange(least <= first && atEnd ? null : { from: least, to: atEnd ? null : most })
  }
  const zoomBy = (factor: number) => {
    const middle =
      cursor !== null && cursor >= view.from && cursor <= view.to ? cursor : (view.from + view.to) / 2
    show(middle - (middle - view.from) * factor, middle + (view.to - middle) * factor)
  }
  const moveTo = (index: number) => {
    const x = axis[Math.max(0, Math.min(axis.length - 1, index))]
    if (x === undefined) return
    setCursor(x)
    const span = view.to - view.from
    if (x < view.from) show(x, x + span)
    if (x > view.to) show(x - span, x)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const at = cursor === null ? axis.length - 1 : nearest(axis, cursor)
    const by = event.shiftKey ? 10 : 1
    const acts: Record<string, () => void> = {
      ArrowLeft: () => moveTo(at - by),
      ArrowRight: () => moveTo(at + by),
      Home: () => moveTo(0),
      End: () => moveTo(axis.length - 1),
      '+': () => zoomBy(0.5),
      '=': () => zoomBy(0.5),
      '-': () => zoomBy(2),
      '0': () => onRange(null),
      l: () => props.onKey?.('l'),
      t: () => props.onKey?.('t'),
    }
    const act = acts[event.key]
    if (!act) return
    event.preventDefault()
    act()
  }
  const onWheel = (event: WheelEvent) => {
    const by = event.shiftKey ? event.deltaY : event.deltaX
    if (!by || !range) return
    const shift = ((view.to - view.from) * by) / 900
    const kept = Math.max(first - view.from, Math.min(last - view.to, shift))
    show(view.from + kept, view.to + kept)
  }
  return (
    <figure className={styles.figure} aria-labelledby={`${id}-title`}>
      <div className={styles.top}>
        <h2 id={`${id}-title`} className={styles.name}>
          {title}
        </h2>
        <ul className={styles.legend}>
          {lines.map((line) => (
            <li key={line.id}>
              <Swatch line={line} />
              {line.label}
              <output className={styles.value}>
                {reading?.find((one) => one.line === line)?.text ?? ''}
              </output>
            </li>
          ))}
        </ul>
      </div>
      <div
        role="group"
        aria-label={title}
        aria-describedby={`${id}-caption ${id}-how`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: its arrow keys move along the curve
        tabIndex={0}
        data-own-keys
        className={styles.canvas}
        onKeyDown={onKeyDown}
        onWheel={onWheel}
        onDoubleClick={() => onRange(null)}
      >
        <Suspense fallback={<Skeleton height={`${HEIGHT}px`} />}>
          <Chart
            lines={lines}
            log={log}
            height={HEIGHT}
            range={range}
            seams={seams}
            faults={faults}
            syncKey={syncKey}
            formatX={formatX}
            formatY={props.tickY}
            onRange={show}
            onCursor={setCursor}
            cursorX={cursor}
          />
        </Suspense>
        <span className={styles.axis} aria-hidden="true">
          {axisLabel}
          {cursor !== null && ` ${formatX(cursor)}`}
        </span>
      </div>
      <figcaption id={`${id}-caption`} className={styles.caption}>
        {caption}
      </figcaption>
      <p id={`${id}-how`} className="hidden-text">
        {t.chart.instructions}
      </p>
      <p className="hidden-text" aria-live="polite">
        {spoken}
      </p>
    </figure>
  )
}

/** Every place that any line has, once, in order. */
function merged(lines: Line[]): number[] {
  const first = lines[0]?.x ?? []
  if (lines.every((line) => line.x === first)) return first
  return [...new Set(lines.flatMap((line) => line.x))].sort((a, b) => a - b)
}

function nearest(axis: number[], x: number): number {
  let low = 0
  let high = axis.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((axis[middle] as number) < x) low = middle + 1
    else high = middle
  }
  return low
}

function read(lines: Line[], x: number, format: Format): { line: Line; text: string }[] {
  return lines.flatMap((line) => {
    const at = nearest(line.x, x)
    const value = line.x[at] === x ? line.y[at] : null
    return value === null || value === undefined ? [] : [{ line, text: format(value) }]
  })
}

/** A text, once it has stood for half a second: nobody wants each point of a sweep read out. */
function useLater(text: string): string {
  const [later, setLater] = useState('')
  useEffect(() => {
    const timer = setTimeout(() => setLater(text), SAID_MS)
    return () => clearTimeout(timer)
  }, [text])
  return later
}
