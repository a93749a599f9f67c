/** uPlot's options for our lines: colours of the page, every point drawn, marks and seams on top. */
import type uPlot from 'uplot'
import type { Line } from './model'

/** More than so many points in view, and dots become a line: each would be less than a pixel. */
const DOTS_AT_MOST = 2_500

export type Colours = { text: string; grid: string; accent: string; warn: string; series: string[] }

/** The page's colours as the canvas wants them: resolved for the theme. */
export function coloursOf(element: HTMLElement): Colours {
  const probe = document.createElement('span')
  element.append(probe)
  const read = (name: string) => {
    probe.style.color = `var(${name})`
    return getComputedStyle(probe).color
  }
  const colours: Colours = {
    text: read('--text-2'),
    grid: read('--line'),
    accent: read('--accent'),
    warn: read('--warn'),
    series: Array.from({ length: 8 }, (_, index) => read(`--series-${index + 1}`)),
  }
  probe.remove()
  return colours
}

const faded = (colour: string, alpha: number) => `color-mix(in srgb, ${colour} ${alpha * 100}%, transparent)`

export type Format = (value: number) => string
type Given = {
  lines: Line[]
  colours: Colours
  font: string
  log: boolean
  width: number
  height: number
  syncKey: string
  formatX: Format
  formatY: Format
  zoom: () => { from: number; to: number | null } | null
  seams: () => number[]
  onSelect: (from: number, to: number) => void
  onCursor: (index: number | null) => void
  path: uPlot.Series.PathBuilder
}

export function optionsOf(given: Given): uPlot.Options {
  const { lines, colours, font, log, width, height } = given
  return {
    width,
    height,
    padding: [10, lines.some((line) => line.endLabel) ? 96 : 26, 0, 0],
    legend: { show: false },
    scales: {
      x: {
        time: false,
        range: (_, least, most) => {
          const zoom = given.zoom()
          if (least === null || most === null) return [0, 1]
          const from = zoom?.from ?? least
          const to = zoom?.to ?? most
          return to > from ? [from, to] : [from - 0.5, from + 0.5]
        },
      },
      y: log ? { distr: 3 } : {},
    },
    axes: [
      axis(colours, font, given.formatX, 34),
      { ...axis(colours, font, given.formatY, 30), size: 62, ...(log ? {} : { incrs: undefined }) },
    ],
    series: [{}, ...lines.map((line) => seriesOf(line, colours, given.path))],
    cursor: {
      sync: { key: given.syncKey, setSeries: false },
      drag: { x: true, y: false, setScale: false },
      points: { size: 7 },
      y: false,
    },
    hooks: {
      setSelect: [
        (plot) => {
          const { left, width: selected } = plot.select
          if (selected < 4) return
          given.onSelect(plot.posToVal(left, 'x'), plot.posToVal(left + selected, 'x'))
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
        },
      ],
      setCursor: [(plot) => given.onCursor(plot.cursor.idx ?? null)],
      draw: [
        (plot) => drawSeams(plot, given.seams(), colours),
        (plot) => drawEndLabels(plot, lines, colours, font),
      ],
    },
  }
}

function axis(colours: Colours, font: string, format: Format, size: number): uPlot.Axis {
  return {
    stroke: colours.text,
    font,
    size,
    gap: 6,
    grid: { stroke: colours.grid, width: 1 },
    ticks: { show: false },
    border: { show: false },
    values: (_, splits) => splits.map((value) => (value === null ? '' : format(value))),
  }
}

function seriesOf(line: Line, colours: Colours, path: uPlot.Series.PathBuilder): uPlot.Series {
  const colour = colours.series[line.colour - 1] ?? colours.text
  const common: uPlot.Series = {
    label: line.label,
    stroke: colour,
    ...(line.dash?.length ? { dash: line.dash } : {}),
  }
  if (line.kind === 'raw')
    return { ...common, stroke: faded(colour, 0.38), width: 1, paths: path, points: { show: false } }
  if (line.kind === 'line') return { ...common, width: 2, paths: path, points: { show: false } }
  if (line.kind === 'marks') {
    return {
      ...common,
      width: 2,
      spanGaps: true,
      points: { show: true, size: 9, width: 2, stroke: colour, fill: colour },
    }
  }
  return {
    ...common,
    stroke: faded(colour, 0.55),
    width: 1,
    paths: (plot, index, from, to) => (to - from > DOTS_AT_MOST ? path(plot, index, from, to) : null),
    points: {
      show: (_plot, _index, from, to) => to - from <= DOTS_AT_MOST,
      size: 4,
      width: 0,
      fill: faded(colour, 0.6),
    },
  }
}

/** A broken line where a further attempt went on from a snapshot. */
function drawSeams(plot: uPlot, seams: number[], colours: Colours): void {
  const { ctx, bbox } = plot
  ctx.save()
  ctx.strokeStyle = colours.warn
  ctx.lineWidth = devicePixelRatio
  ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio])
  for (const seam of seams) {
    const at = Math.round(plot.valToPos(seam, 'x', true))
    if (at < bbox.left || at > bbox.left + bbox.width) continue
    ctx.beginPath()
    ctx.moveTo(at, bbox.top)
    ctx.lineTo(at, bbox.top + bbox.height)
    ctx.stroke()
  }
  ctx.restore()
}

/** The name of a line beside its last point in view. */
function drawEndLabels(plot: uPlot, lines: Line[], colours: Colours, font: string): void {
  const { ctx, bbox } = plot
  const { min, max } = plot.scales.x ?? {}
  ctx.save()
  ctx.font = font.replace(/^(\d+)px/, (_, size: string) => `${Number(size) * devicePixelRatio}px`)
  ctx.textBaseline = 'middle'
  ctx.textAlign = 'left'
  const taken: number[] = []
  const room = 13 * devicePixelRatio
  lines.forEach((line, index) => {
    if (!line.endLabel) return
    const xs = plot.data[0]
    const ys = plot.data[index + 1] as (number | null | undefined)[]
    let at = ys.length - 1
    while (at >= 0 && (ys[at] == null || (xs[at] as number) > (max ?? Number.POSITIVE_INFINITY))) at--
    if (at < 0 || (xs[at] as number) < (min ?? 0)) return
    let y = plot.valToPos(ys[at] as number, 'y', true)
    while (taken.some((other) => Math.abs(other - y) < room)) y += room
    taken.push(y)
    const x =
      Math.min(plot.valToPos(xs[at] as number, 'x', true), bbox.left + bbox.width) + 6 * devicePixelRatio
    ctx.fillStyle = colours.series[line.colour - 1] ?? colours.text
    ctx.fillText(line.endLabel.length > 14 ? `${line.endLabel.slice(0, 13)}…` : line.endLabel, x, y)
  })
  ctx.restore()
}
