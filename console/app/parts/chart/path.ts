/**
 * Lines with several points in a pixel: in each column of pixels from the least value to the greatest, and on to
 * the next. Every point is in what is drawn, with half of the strokes that tracing each column's way would take.
 */
import type uPlot from 'uplot'

/** So many points to a column, and the way between them can no longer be seen. */
const DENSE = 4

export function densePath(sparse: uPlot.Series.PathBuilder): uPlot.Series.PathBuilder {
  return (plot, series, from, to) => {
    const { left, width } = plot.bbox
    const { min, max } = plot.scales.x ?? {}
    if (to - from < width * DENSE || min === undefined || max === undefined)
      return sparse(plot, series, from, to)
    const xs = plot.data[0] as number[]
    const ys = plot.data[series] as (number | null | undefined)[]
    const perPixel = (max - min) / width
    const stroke = new Path2D()
    let column = 0
    let edge = Number.NEGATIVE_INFINITY
    let low = 0
    let high = 0
    let begun = false
    let rising = true
    const finish = () => {
      if (!begun) return
      const x = left + column + 0.5
      stroke.lineTo(x, plot.valToPos(rising ? low : high, 'y', true))
      if (low !== high) stroke.lineTo(x, plot.valToPos(rising ? high : low, 'y', true))
      rising = !rising
    }
    for (let index = from; index <= to; index++) {
      const y = ys[index]
      if (y === null || y === undefined) return sparse(plot, series, from, to) // who knows how to leave gaps
      const x = xs[index] as number
      if (x < edge) {
        if (y < low) low = y
        else if (y > high) high = y
        continue
      }
      finish()
      begun = true
      column = Math.floor((x - min) / perPixel)
      edge = min + (column + 1) * perPixel
      low = y
      high = y
    }
    finish()
    return { stroke, fill: null, clip: null, band: null, gaps: [], flags: 0 }
  }
}
