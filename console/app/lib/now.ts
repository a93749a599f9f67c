/**
 * The time by the server's clock, which stamps all that the console shows. Knows no React.
 *
 * Each answer tells between which differences the two clocks must lie: its `Date` was written between the question and
 * its arrival, and leaves out the part of a second. What is believed changes only when an answer rules it out clearly,
 * so that ages do not jump.
 */

/** Less is not worth a jump; a server may also write a `Date` that it made a second ago. */
const SLACK_MS = 2_000

/** How far the server's clock is ahead of the browser's. */
let aheadMs = 0

/** `date`: the header of an answer that was asked for and arrived at these times of the browser. */
export function hearDate(date: string | null, askedMs: number, arrivedMs: number): void {
  const writtenMs = Date.parse(date ?? '')
  if (Number.isNaN(writtenMs) || arrivedMs < askedMs) return
  const leastMs = writtenMs - arrivedMs
  const mostMs = writtenMs + 1_000 - askedMs
  if (aheadMs >= leastMs - SLACK_MS && aheadMs <= mostMs + SLACK_MS) return
  const middleMs = (leastMs + mostMs) / 2
  aheadMs = Math.abs(middleMs) < SLACK_MS ? 0 : middleMs
}

/** What the server's clock showed, in Unix seconds, when the browser's showed this. */
export const byServer = (browserMs: number): number => (browserMs + aheadMs) / 1000

/** The time now in Unix seconds. */
export const nowS = (): number => byServer(Date.now())
