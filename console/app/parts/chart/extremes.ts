/**
 * The least and the greatest value of any stretch of a column, and where its values are, without looking at each
 * point again: a pan asks for a thousand stretches a frame.
 */

const BLOCK = 16
type Value = number | null | undefined

export class Extremes {
  /** Of the stretch that was asked for last; `low` above `high` where it holds no value. */
  low = Number.POSITIVE_INFINITY
  high = Number.NEGATIVE_INFINITY
  /** By level: the values themselves, then of 16, of 256, … of them. */
  private readonly lows: Float64Array[]
  private readonly highs: Float64Array[]

  constructor(values: readonly Value[]) {
    const own = Float64Array.from(values, (value) => value ?? Number.NaN)
    this.lows = [own]
    this.highs = [own]
    for (let below = own.length; below > BLOCK; below = Math.ceil(below / BLOCK)) {
      const size = Math.ceil(below / BLOCK)
      const lows = new Float64Array(size)
      const highs = new Float64Array(size)
      const level = this.lows.length - 1
      for (let block = 0; block < size; block++) {
        this.begin()
        this.take(level, block * BLOCK, Math.min(below, (block + 1) * BLOCK) - 1)
        lows[block] = this.low
        highs[block] = this.high
      }
      this.lows.push(lows)
      this.highs.push(highs)
    }
  }

  /** Whether there is any value from one place to the other, both included; `low` and `high` tell which. */
  find(from: number, to: number): boolean {
    this.begin()
    this.also(from, to)
    return this.low <= this.high
  }

  /** The same for a further stretch, or a further column: what was found before counts too. */
  also(from: number, to: number, into: Extremes = this): void {
    let level = 0
    let first = from
    let last = to
    while (level + 1 < this.lows.length && last - first >= 2 * BLOCK) {
      const inner = Math.ceil(first / BLOCK)
      const end = Math.floor((last + 1) / BLOCK)
      this.take(level, first, inner * BLOCK - 1, into)
      this.take(level, end * BLOCK, last, into)
      first = inner
      last = end - 1
      level += 1
    }
    this.take(level, first, last, into)
  }

  begin(): void {
    this.low = Number.POSITIVE_INFINITY
    this.high = Number.NEGATIVE_INFINITY
  }

  private take(level: number, from: number, to: number, into: Extremes = this): void {
    const lows = this.lows[level] as Float64Array
    const highs = this.highs[level] as Float64Array
    let { low, high } = into
    // what is missing is NaN, which is neither less nor greater
    for (let at = from; at <= to; at++) {
      if ((lows[at] as number) < low) low = lows[at] as number
      if ((highs[at] as number) > high) high = highs[at] as number
    }
    into.low = low
    into.high = high
  }
}

const known = new WeakMap<object, Extremes>()
const places = new WeakMap<object, number[]>()

/** Made once for a column, which never changes: new points come in a new one. */
export function extremesOf(values: readonly Value[] | ArrayLike<Value>): Extremes {
  let found = known.get(values)
  if (!found) {
    found = new Extremes(values as readonly Value[])
    known.set(values, found)
  }
  return found
}

/** Where a column of few values has them. */
export function placesOf(values: ArrayLike<Value>): number[] {
  let found = places.get(values)
  if (!found) {
    found = []
    for (let at = 0; at < values.length; at++) if (values[at] != null) found.push(at)
    places.set(values, found)
  }
  return found
}

/** The first index from `low` on whose value is not below `wanted`, in an order that rises. */
export function firstNotBelow(
  sorted: ArrayLike<number>,
  wanted: number,
  low = 0,
  high = sorted.length,
): number {
  let from = low
  let to = high
  while (from < to) {
    const middle = (from + to) >> 1
    if ((sorted[middle] as number) < wanted) from = middle + 1
    else to = middle
  }
  return from
}
