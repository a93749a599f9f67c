/** What a chart draws: lines over one axis, in an order that is also that of the legend. */
import type { Column } from '@/lib/series'

export type Line = {
  /** Unique within a chart. */
  id: string
  label: string
  kind: 'raw' | 'line' | 'dots' | 'marks'
  x: number[]
  y: Column
  /** 1 to 8: which colour of tokens.css. */
  colour: number
  dash?: number[]
  /** Written where the line ends. */
  endLabel?: string
}

/** The dashes of compared jobs: whoever sees no colours tells them apart by these. */
export const DASHES: number[][] = [
  [],
  [8, 4],
  [2, 3],
  [10, 3, 2, 3],
  [5, 2],
  [12, 4, 4, 4],
  [1, 4],
  [6, 2, 1, 2],
]
