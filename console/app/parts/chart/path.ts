/**
 * How lines are drawn where there are more points than pixels, or fewer values than points.
 *
 * Dense: each column of pixels is filled from its least value to its greatest, and on to its neighbours. Every
 * point is in what is drawn, as it would be by a stroke to each, at a cost that depends on the width alone.
 */
import type uPlot from 'uplot'
import { extremesOf, firstNotBelow, placesOf } from './extremes'

/** So many points to a column, and the way between them can no longer be seen. */
const DENSE = 4

type Values = (number | null | undefined)[]
const drawn = (path: Partial<uPlot.Series.Paths>): uPlot.Series.Paths => ({
  stroke: null,
  fill: null,
  clip: null,
  band: null,
  gaps: [],
  flags: 0,
  ...path,
})

/** `sparse` where points are few; else columns, filled with `colour`, or stroked where a line has dashes. */
export function densePath(
  sparse: uPlot.Series.PathBuilder,
  look: { colour: string; width: number; dashed: boolean },
): uPlot.Series.PathBuilder {
  return (plot, series, from, to) => {
    const { left, width } = plot.bbox
    const { min, max } = plot.scales.x ?? {}
    if (to - from < width * DENSE || min === undefined || max === undefined)
      return sparse(plot, series, from, to)
    const columns = columnsOf(plot, series, from, to)
    if (look.dashed) return drawn({ stroke: strokeOf(columns, left) })
    const half = (look.width * devicePixelRatio) / 2
    return drawn({ fill: new Map([[look.colour, bandOf(columns, left, half)]]) })
  }
}

/** By column of pixels, from the left: where on the canvas its values begin and end; NaN where it has none. */
type Columns = { tops: Float64Array; bottoms: Float64Array }

function columnsOf(plot: uPlot, series: number, from: number, to: number): Columns {
  const width = Math.ceil(plot.bbox.width)
  const { min = 0, max = 1 } = plot.scales.x ?? {}
  const xs = plot.data[0] as number[]
  const ys = plot.data[series] as Values
  const extremes = extremesOf(ys)
  const lows = new Float64Array(width).fill(Number.POSITIVE_INFINITY)
  const highs = new Float64Array(width).fill(Number.NEGATIVE_INFINITY)
  let index = firstNotBelow(xs, min, from, to + 1)
  for (let column = 0; column < width && index <= to; column++) {
    const edge = min + ((column + 1) / plot.bbox.width) * (max - min)
    const next = column === width - 1 ? to + 1 : firstNotBelow(xs, edge, index, to + 1)
    if (next > index && extremes.find(index, next - 1)) {
      lows[column] = Math.min(lows[column] as number, extremes.low)
      highs[column] = Math.max(highs[column] as number, extremes.high)
    }
    // the way on to the next column: half of it lies in this one
    const here = ys[next - 1]
    const there = ys[next]
    if (next > index && next <= to && here != null && there != null && column + 1 < width) {
      const middle = (here + there) / 2
      for (const at of [column, column + 1]) {
        lows[at] = Math.min(lows[at] as number, middle)
        highs[at] = Math.max(highs[at] as number, middle)
      }
    }
    index = next
  }
  const y = (value: number) => (Number.isFinite(value) ? plot.valToPos(value, 'y', true) : Number.NaN)
  return { tops: highs.map(y), bottoms: lows.map(y) }
}

/** One outline for each run of columns that have values. */
function bandOf({ tops, bottoms }: Columns, left: number, half: number): Path2D {
  const path = new Path2D()
  for (let column = 0; column < tops.length; column++) {
    if (Number.isNaN(tops[column] as number)) continue
    const first = column
    path.moveTo(left + first, (tops[first] as number) - half)
    for (; column < tops.length && !Number.isNaN(tops[column] as number); column++) {
      path.lineTo(left + column, (tops[column] as number) - half)
      path.lineTo(left + column + 1, (tops[column] as number) - half)
    }
    for (let back = column - 1; back >= first; back--) {
      path.lineTo(left + back + 1, (bottoms[back] as number) + half)
      path.lineTo(left + back, (bottoms[back] as number) + half)
    }
    path.closePath()
  }
  return path
}

function strokeOf({ tops, bottoms }: Columns, left: number): Path2D {
  const path = new Path2D()
  let rising = true
  let begun = false
  for (let column = 0; column < tops.length; column++) {
    const [top, bottom] = [tops[column] as number, bottoms[column] as number]
    if (Number.isNaN(top)) {
      begun = false
      continue
    }
    const x = left + column + 0.5
    if (begun) path.lineTo(x, rising ? bottom : top)
    else path.moveTo(x, rising ? bottom : top)
    if (top !== bottom) path.lineTo(x, rising ? top : bottom)
    rising = !rising
    begun = true
  }
  return path
}

/** Straight from value to value, over all that lies between: a value in some thousand points is found at once. */
export const marksPath: uPlot.Series.PathBuilder = (plot, series, from, to) => {
  const xs = plot.data[0] as number[]
  const ys = plot.data[series] as Values
  const places = placesOf(ys)
  const path = new Path2D()
  const first = Math.max(0, firstNotBelow(places, from) - 1)
  const last = Math.min(places.length - 1, firstNotBelow(places, to + 1))
  for (let at = first; at <= last; at++) {
    const index = places[at] as number
    const x = plot.valToPos(xs[index] as number, 'x', true)
    const y = plot.valToPos(ys[index] as number, 'y', true)
    if (at === first) path.moveTo(x, y)
    else path.lineTo(x, y)
  }
  return drawn({ stroke: path })
}

/** The marks themselves: the values in view. */
export function marksInView(plot: uPlot, series: number): number[] {
  const [from = 0, to = -1] = plot.series[0]?.idxs ?? []
  const places = placesOf(plot.data[series] as Values)
  return places.slice(firstNotBelow(places, from), firstNotBelow(places, to + 1))
}
