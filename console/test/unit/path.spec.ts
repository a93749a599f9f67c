import type uPlot from 'uplot'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Extremes, firstNotBelow, placesOf } from '@/parts/chart/extremes'
import { densePath, marksInView, marksPath } from '@/parts/chart/path'

/** Remembers where it was led, and how often it began anew. */
class Traced {
  points: [x: number, y: number][] = []
  begun = 0
  moveTo(x: number, y: number) {
    this.begun += 1
    this.points.push([x, y])
  }
  lineTo(x: number, y: number) {
    this.points.push([x, y])
  }
  closePath() {}
}
const before = globalThis.Path2D
beforeAll(() => {
  globalThis.Path2D = Traced as unknown as typeof Path2D
  Object.assign(globalThis, { devicePixelRatio: 1 })
})
afterAll(() => {
  globalThis.Path2D = before
})

const WIDTH = 100
const LEFT = 62
const sparse: uPlot.Series.PathBuilder = () => ({ gaps: [[0, 1]] })

function plotOf(ys: (number | null)[], min = 0, max = ys.length - 1): uPlot {
  return {
    bbox: { left: LEFT, top: 0, width: WIDTH, height: 50 },
    scales: { x: { min, max } },
    series: [{ idxs: [min, max] }],
    data: [ys.map((_, index) => index), ys],
    valToPos: (value: number, scale: string) => (scale === 'x' ? value : -value),
  } as unknown as uPlot
}
function build(ys: (number | null)[], dashed = false): { traced: Traced; paths: uPlot.Series.Paths } {
  const look = { colour: 'red', width: 0, dashed }
  const paths = densePath(sparse, look)(plotOf(ys), 1, 0, ys.length - 1) as uPlot.Series.Paths
  const { fill, stroke } = paths
  return { traced: (fill instanceof Map ? fill.get('red') : stroke) as unknown as Traced, paths }
}

function noise(length: number): number[] {
  let seed = 7
  return Array.from({ length }, () => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed / 2_147_483_647
  })
}

describe('a line with many points in a pixel', () => {
  for (const dashed of [false, true]) {
    it(`covers every point from the least to the greatest of its column${dashed ? ', dashed too' : ''}`, () => {
      const ys = noise(20_000)
      ys[7_654] = 9 // a spike of a single step
      const { traced } = build(ys, dashed)
      const reach = new Map<number, [number, number]>()
      // an outline's edge belongs to the columns on both of its sides
      for (const [x, y] of traced.points)
        for (const column of dashed ? [Math.floor(x)] : [x - 1, x]) {
          const [low, high] = reach.get(column) ?? [y, y]
          reach.set(column, [Math.min(low, y), Math.max(high, y)])
        }
      const left = ys.filter((y, index) => {
        const column = LEFT + Math.min(WIDTH - 1, Math.floor((index * WIDTH) / (ys.length - 1)))
        const [low, high] = reach.get(column) ?? [0, 0]
        return !(low <= -y && high >= -y)
      })
      expect(left).toEqual([])
      expect(traced.points.length).toBeLessThanOrEqual(4 * WIDTH + 1)
      expect(Math.min(...traced.points.map(([, y]) => y))).toBe(-9)
    })
  }

  it('shows a gap as wide as a pixel as a gap, and is whole without one', () => {
    const whole = noise(20_000)
    expect(build(whole).traced.begun).toBe(1)
    const { traced } = build(whole.map((y, index) => (index >= 9_000 && index < 9_600 ? null : y)))
    expect(traced.begun).toBe(2)
    const hole = LEFT + 46
    expect(traced.points.filter(([x]) => x === hole)).toEqual([])
  })

  it('joins columns whose values do not touch', () => {
    const ys = Array.from({ length: 20_000 }, (_, index) => index)
    const { points } = build(ys).traced
    for (let x = LEFT + 1; x < LEFT + WIDTH; x++) {
      const at = points.filter(([place]) => place === x).map(([, y]) => y)
      expect(at.length).toBe(4) // the upper and the lower edge of both its neighbours, which overlap
    }
  })

  it('is left to the usual path where points are few', () => {
    expect(build([1, 2, 3]).paths.gaps).toEqual([[0, 1]])
  })
})

describe('a few values in many points', () => {
  const ys: (number | null)[] = Array.from({ length: 1_000 }, (_, index) =>
    index % 100 === 99 ? index : null,
  )

  it('are joined by straight lines, with one beyond each end of the view', () => {
    const paths = marksPath(plotOf(ys, 250, 450), 1, 250, 450) as { stroke: unknown }
    expect((paths.stroke as Traced).points.map(([x]) => x)).toEqual([199, 299, 399, 499])
    expect(marksInView(plotOf(ys, 250, 450), 1)).toEqual([299, 399])
  })
})

describe('the extremes of a stretch', () => {
  it('are those that looking at each point finds', () => {
    const ys: (number | null)[] = noise(5_000).map((value, index) => (index % 7 ? value - 0.5 : null))
    const extremes = new Extremes(ys)
    for (const [from, to] of [
      [0, 4_999],
      [0, 0],
      [1, 1],
      [15, 16],
      [16, 31],
      [17, 4_000],
      [255, 257],
      [256, 511],
      [300, 4_998],
      [4_999, 4_999],
      [10, 9],
    ] as const) {
      const known = ys.slice(from, to + 1).filter((value) => value !== null)
      expect(extremes.find(from, to)).toBe(known.length > 0)
      if (known.length)
        expect([extremes.low, extremes.high]).toEqual([Math.min(...known), Math.max(...known)])
    }
  })

  it('tell where values are', () => {
    expect(placesOf([null, 1, undefined, 2])).toEqual([1, 3])
    expect([firstNotBelow([1, 3, 5], 0), firstNotBelow([1, 3, 5], 3), firstNotBelow([1, 3, 5], 6)]).toEqual([
      0, 1, 3,
    ])
  })
})
