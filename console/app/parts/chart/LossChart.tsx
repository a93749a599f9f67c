/**
 * A chart that everybody can read: a figure with its legend, a caption in words, one stop for the focus, arrow
 * keys, and a voice that says where the cursor is.
 */
import {
  type KeyboardEvent,
  lazy,
  Suspense,
  useCallback,
  useEffect,
  useId,
  useMemo,
  useRef,
  useState,
  type WheelEvent,
} from 'react'
import { useT } from '@/i18n'
import type { Range } from '@/lib/urlState'
import { Skeleton } from '@/ui/Skeleton'
import { firstNotBelow } from './extremes'
import { Legend } from './Legend'
import styles from './LossChart.module.css'
import type { Line } from './model'
import type { Format } from './options'
import { read } from './reading'

const Chart = lazy(() => import('./Chart'))
const SAID_MS = 500
const HEIGHT = 250
const NONE: number[] = []
const NO_LINE: ReadonlySet<string> = new Set()

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
  /** It takes the focus as soon as it is there. */
  focused?: boolean
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
    focused = false,
  } = props
  const t = useT()
  const id = useId()
  const [cursor, setCursor] = useState<number | null>(null)
  const axis = useMemo(() => merged(lines), [lines])
  const first = axis[0] ?? 0
  const last = axis.at(-1) ?? 0
  const view = { from: range?.from ?? first, to: range?.to ?? last }
  const [hidden, setHidden] = useState(NO_LINE)
  const toggle = useCallback(
    (id: string) =>
      setHidden(
        (before) => new Set(before.has(id) ? [...before].filter((one) => one !== id) : [...before, id]),
      ),
    [],
  )
  const reading = useMemo(
    () => (cursor === null ? [] : read(lines, cursor).filter(({ line }) => !hidden.has(line.id))),
    [lines, cursor, hidden],
  )
  const said = useMemo(
    () =>
      new Map(
        reading.map(({ line, value, x }) => {
          const at = formatX(x)
          const here = cursor === null || at === formatX(cursor)
          return [line.id, here ? formatY(value) : t.chart.valueAt({ value: formatY(value), at })]
        }),
      ),
    [reading, cursor, formatX, formatY, t],
  )
  const spoken = useLater(
    reading.length && cursor !== null
      ? `${axisLabel} ${formatX(cursor)}: ${reading.map(({ line }) => `${line.label} ${said.get(line.id)}`).join(', ')}`
      : '',
  )
  const canvas = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (focused) canvas.current?.focus()
  }, [focused])

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
    const at = cursor === null ? axis.length - 1 : firstNotBelow(axis, cursor)
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
        <Legend lines={lines} said={said} hidden={hidden} onToggle={toggle} />
      </div>
      <div
        ref={canvas}
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
            hidden={hidden}
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

/** A text, once it has stood for half a second: nobody wants each point of a sweep read out. */
function useLater(text: string): string {
  const [later, setLater] = useState('')
  useEffect(() => {
    const timer = setTimeout(() => setLater(text), SAID_MS)
    return () => clearTimeout(timer)
  }, [text])
  return later
}
