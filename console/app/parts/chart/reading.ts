/** What the lines of a chart say at a place on their axis. */
import { firstNotBelow } from './extremes'
import type { Line } from './model'

export type Reading = { line: Line; value: number; x: number }

/**
 * Lines of one job have their points in the same places, and say what they have there. Those of several jobs seldom
 * do: each says its last point up to there, and where that is.
 */
export function read(lines: readonly Line[], x: number): Reading[] {
  const shared = lines.every((line) => line.x === lines[0]?.x)
  return lines.flatMap((line) => {
    const at = shared ? firstNotBelow(line.x, x) : lastUpTo(line, x)
    const place = line.x[at]
    const value = line.y[at]
    if (value == null || place === undefined || (shared && place !== x)) return []
    return [{ line, value, x: place }]
  })
}

function lastUpTo({ x: places, y }: Line, x: number): number {
  let at = firstNotBelow(places, x)
  while (places[at] === x) at++ // of several points in one place the last
  do at--
  while (at >= 0 && y[at] == null)
  return at
}
