/**
 * The moving mean of a series, corrected for its start, over all points that there are.
 *
 * It is computed before anything is drawn and depends on earlier points alone: neither the zoom nor what comes
 * later changes a value. A gap stays a gap and is passed over.
 */
export function smooth(values: readonly (number | null)[], strength: number): (number | null)[] {
  if (strength <= 0) return values.slice()
  let mean = 0
  let weight = 0
  return values.map((value) => {
    if (value === null || !Number.isFinite(value)) return null
    mean = strength * mean + (1 - strength) * value
    weight = strength * weight + (1 - strength)
    return mean / weight
  })
}
