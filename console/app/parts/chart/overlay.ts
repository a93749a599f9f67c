/** What is drawn over the lines: where a run went on, where its numbers ran away, and the lines' names. */
import type uPlot from 'uplot'
import { firstNotBelow } from './extremes'
import type { Line } from './model'
import type { Colours } from './options'

/** A broken line where a further attempt went on from a snapshot. */
export function drawSeams(plot: uPlot, seams: number[], colours: Colours): void {
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

/** A red line with a cross at its foot, where the numbers ran away. */
export function drawFaults(plot: uPlot, faults: number[], colours: Colours): void {
  const { ctx, bbox } = plot
  const arm = 5 * devicePixelRatio
  ctx.save()
  ctx.strokeStyle = colours.bad
  ctx.lineWidth = 2 * devicePixelRatio
  for (const fault of faults) {
    const at = Math.round(plot.valToPos(fault, 'x', true))
    if (at < bbox.left || at > bbox.left + bbox.width) continue
    const foot = bbox.top + bbox.height - 2 * arm
    ctx.beginPath()
    ctx.moveTo(at, bbox.top)
    ctx.lineTo(at, foot - arm)
    ctx.moveTo(at - arm, foot - arm)
    ctx.lineTo(at + arm, foot + arm)
    ctx.moveTo(at + arm, foot - arm)
    ctx.lineTo(at - arm, foot + arm)
    ctx.stroke()
  }
  ctx.restore()
}

/** The name of a line beside its last point in view. */
export function drawEndLabels(plot: uPlot, lines: Line[], colours: Colours, font: string): void {
  const { ctx, bbox } = plot
  const { min, max } = plot.scales.x ?? {}
  ctx.save()
  ctx.font = font.replace(/^(\d+)px/, (_, size: string) => `${Number(size) * devicePixelRatio}px`)
  ctx.textBaseline = 'middle'
  ctx.textAlign = 'left'
  const taken: number[] = []
  const room = 13 * devicePixelRatio
  lines.forEach((line, index) => {
    if (!line.endLabel || !plot.series[index + 1]?.show) return
    const xs = plot.data[0]
    const ys = plot.data[index + 1] as (number | null | undefined)[]
    let at = firstNotBelow(xs, max ?? Number.POSITIVE_INFINITY)
    if (at >= xs.length || (xs[at] as number) > (max ?? at)) at--
    while (at >= 0 && ys[at] == null) at--
    if (at < 0 || (xs[at] as number) < (min ?? 0)) return
    let y = plot.valToPos(ys[at] as number, 'y', true)
    // beside its line, or as near to it as there is room within the plot
    const wanted = Math.min(y, bbox.top + bbox.height - room / 2)
    const isFree = (at: number) => !taken.some((other) => Math.abs(other - at) < room)
    const places = lines.flatMap((_, away) => [wanted - (away * room) / 2, wanted + (away * room) / 2])
    const inside = places.filter((at) => at > bbox.top && at < bbox.top + bbox.height)
    y = inside.find(isFree) ?? wanted
    taken.push(y)
    const x =
      Math.min(plot.valToPos(xs[at] as number, 'x', true), bbox.left + bbox.width) + 6 * devicePixelRatio
    ctx.fillStyle = colours.series[line.colour - 1] ?? colours.text
    ctx.fillText(line.endLabel.length > 14 ? `${line.endLabel.slice(0, 13)}…` : line.endLabel, x, y)
  })
  ctx.restore()
}
