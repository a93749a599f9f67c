/** uPlot's options for our lines: colours of the page, every point drawn, marks and seams on top. */
import uPlot from 'uplot'
import { Extremes, extremesOf } from './extremes'
import type { Line } from './model'
import { drawEndLabels, drawFaults, drawSeams } from './overlay'
import { densePath, marksInView, marksPath } from './path'

/** More than so many points in view, and dots become a line: each would be less than a pixel. */
const DOTS_AT_MOST = 2_500

export type Colours = {
  text: string
  grid: string
  accent: string
  warn: string
  bad: string
  series: string[]
}

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
    bad: read('--bad'),
    series: Array.from({ length: 8 }, (_, index) => read(`--series-${index + 1}`)),
  }
  probe.remove()
  return colours
}

const faded = (colour: string, alpha: number) => `color-mix(in srgb, ${colour} ${alpha * 100}%, transparent)`

export type Format = (value: number) => string
type Given = {
  lines: Line[]
  hidden: ReadonlySet<string>
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
  faults: () => number[]
  onSelect: (from: number, to: number) => void
  onCursor: (index: number | null) => void
  /** The cursor of another chart has moved. */
  onOther: () => void
  /** Whether this is the chart whose cursor the others follow. */
  leads: () => boolean
}

export function optionsOf(given: Given): uPlot.Options {
  const { lines, hidden, colours, font, log, width, height } = given
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
      y: { range: (plot) => heightOf(plot, log), ...(log ? { distr: 3 } : {}) },
    },
    axes: [
      axis(colours, font, given.formatX, 34),
      { ...axis(colours, font, given.formatY, 30), size: 62, ...(log ? {} : { incrs: undefined }) },
    ],
    series: [{}, ...lines.map((line) => ({ ...seriesOf(line, colours), show: !hidden.has(line.id) }))],
    cursor: {
      sync: {
        key: given.syncKey,
        setSeries: false,
        filters: {
          pub: () => given.leads(),
          sub: () => {
            given.onOther()
            return true
          },
        },
      },
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
        (plot) => drawFaults(plot, given.faults(), colours),
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

/** From the least to the greatest value in view, with some air; no column is read through for it. */
function heightOf(plot: uPlot, log: boolean): uPlot.Range.MinMax {
  const [from = 0, to = -1] = plot.series[0]?.idxs ?? []
  const all = new Extremes([])
  for (const column of plot.data.slice(1)) extremesOf(column).also(from, to, all)
  if (all.low > all.high) return [null, null]
  return log ? uPlot.rangeLog(all.low, all.high, 10, false) : uPlot.rangeNum(all.low, all.high, 0.1, true)
}

function seriesOf(line: Line, colours: Colours): uPlot.Series {
  const colour = colours.series[line.colour - 1] ?? colours.text
  const common: uPlot.Series = {
    label: line.label,
    stroke: colour,
    auto: false, // the axis knows the extremes without being told
    ...(line.dash?.length ? { dash: line.dash } : {}),
  }
  const dense = (shade: string, width: number) =>
    densePath(uPlot.paths.linear?.() as uPlot.Series.PathBuilder, {
      colour: shade,
      width,
      dashed: Boolean(line.dash?.length),
    })
  const shade = faded(colour, line.kind === 'raw' ? 0.38 : 0.55)
  if (line.kind === 'raw')
    return { ...common, stroke: shade, width: 1, paths: dense(shade, 1), points: { show: false } }
  if (line.kind === 'line') return { ...common, width: 2, paths: dense(colour, 2), points: { show: false } }
  if (line.kind === 'marks') {
    return {
      ...common,
      width: 2,
      paths: marksPath,
      points: { show: false, filter: marksInView, size: 9, width: 2, stroke: colour, fill: colour },
    }
  }
  const path = dense(shade, 1)
  return {
    ...common,
    stroke: shade,
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
