import { describe, expect, it } from 'vitest'
import type { Line } from '@/parts/chart/model'
import { read } from '@/parts/chart/reading'

const line = (id: string, x: number[], y: (number | null)[]): Line => ({
  id,
  label: id,
  kind: 'line',
  x,
  y,
  colour: 1,
})
const said = (lines: Line[], x: number) => read(lines, x).map((one) => [one.line.id, one.value, one.x])

describe('what a chart says at a place', () => {
  it('is what each line of a job has in that very place', () => {
    const x = [1, 2, 3]
    const lines = [line('train', x, [9, 8, 7]), line('full', x, [null, 5, null])]
    expect(said(lines, 2)).toEqual([
      ['train', 8, 2],
      ['full', 5, 2],
    ])
    expect(said(lines, 3)).toEqual([['train', 7, 3]])
    expect(said(lines, 2.5)).toEqual([])
  })
  it('is the last point up to there of each of several jobs, with its own place', () => {
    const lines = [
      line('a', [0.5, 1, 1.5], [9, 8, 7]),
      line('b', [0.3, 0.6, 0.9, 1.2], [6, 5, null, 4]),
      line('short', [0.2], [3]),
      line('late', [1.4], [2]),
    ]
    expect(said(lines, 1)).toEqual([
      ['a', 8, 1],
      ['b', 5, 0.6],
      ['short', 3, 0.2],
    ])
  })
  it('is the last of several points in one place', () => {
    const lines = [line('a', [0, 1, 1, 2], [9, 8, 7, 6]), line('b', [0], [1])]
    expect(said(lines, 1)[0]).toEqual(['a', 7, 1])
  })
})
