/** The bars of a histogram that are worth showing, and where a limit lies among them. Knows no React. */

export type Bin = { low: number; high: number; n_rows: number }

/** From the first bar with a row to the last. */
export function filled(bins: readonly Bin[]): Bin[] {
  const first = bins.findIndex((bin) => bin.n_rows > 0)
  const last = bins.findLastIndex((bin) => bin.n_rows > 0)
  return first < 0 ? [] : bins.slice(first, last + 1)
}

/** Its line stands in front of this bar, or behind the last one; `within`: the bar before holds values of both sides. */
export function limitAt(bins: readonly Bin[], limit: number): { at: number; within: boolean } {
  const behind = bins.findIndex((bin) => bin.low > limit)
  const at = behind < 0 ? bins.length : behind
  const before = bins[at - 1]
  return { at, within: before !== undefined && before.low <= limit && limit < before.high - 1 }
}
