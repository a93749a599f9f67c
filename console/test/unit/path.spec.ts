import type uPlot from 'uplot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { densePath } from '@/parts/chart/path'

/** Remembers where it was led. */
class Traced {
  points: [x: number, y: number][] = []
  lineTo(x: number, y: number) {
    this.points.push([x, y])
  }
}
const before = globalThis.Path2D
beforeAll(() => {
  globalThis.Path2D = Traced as unknown as typeof Path2D
})
afterAll(() => {
  globalThis.Path2D = before
})

const WIDTH = 100
const LEFT = 62
const sparse: uPlot.Series.PathBuilder = () => ({ gaps: [[0, 1]] })

function plotOf(ys: (number | null)[]): uPlot {
  return {
    bbox: { left: LEFT, top: 0, width: WIDTH, height: 50 },
    scales: { x: { min: 0, max: ys.length - 1 } },
    data: [ys.map((_, index) => index), ys],
    valToPos: (value: number) => value,
  } as unknown as uPlot
}
const build = (ys: (number | null)[]) => densePath(sparse)(plotOf(ys), 1, 0, ys.length - 1)

describe('a line with many points in a pixel', () => {
  it('covers every point: the stroke in its column reaches from the least to the greatest', () => {
    let seed = 7
    const ys = Array.from({ length: 20_000 }, () => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed / 2_147_483_647
    })
    ys[7_654] = 9 // a spike of a single step
    const { points } = (build(ys) as { stroke: unknown }).stroke as Traced
    const reach = new Map<number, [number, number]>()
    for (const [x, y] of points) {
      const [low, high] = reach.get(Math.floor(x)) ?? [y, y]
      reach.set(Math.floor(x), [Math.min(low, y), Math.max(high, y)])
    }
    for (const [index, y] of ys.entries()) {
      const column = LEFT + Math.floor((index * WIDTH) / (ys.length - 1))
      const near = [column, column - 1].flatMap((one) => reach.get(one) ?? [])
      expect(Math.min(...near)).toBeLessThanOrEqual(y)
      expect(Math.max(...near)).toBeGreaterThanOrEqual(y)
    }
    expect(points.length).toBeLessThanOrEqual(2 * (WIDTH + 1))
    expect(Math.max(...points.map(([, y]) => y))).toBe(9)
  })

  it('is left to the usual path where points are few, and where one is missing', () => {
    expect(build([1, 2, 3])?.gaps).toEqual([[0, 1]])
    const gap: (number | null)[] = Array.from({ length: 20_000 }, () => 1)
    gap[9_999] = null
    expect(build(gap)?.gaps).toEqual([[0, 1]])
  })
})
