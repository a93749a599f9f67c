/** A curve in small, for a row: its shape and nothing else; the numbers stand beside it. */

const WIDTH = 72
const HEIGHT = 20

export function Sparkline({ x, y }: { x: number[]; y: (number | null)[] }) {
  const points = x.flatMap((at, index) => {
    const value = y[index]
    return value === null || value === undefined ? [] : [{ at, value }]
  })
  const first = points[0]
  const last = points.at(-1)
  if (!first || !last || points.length < 2) return null
  const values = points.map((point) => point.value)
  const least = Math.min(...values)
  const height = Math.max(...values) - least || 1
  const width = last.at - first.at || 1
  const path = points
    .map(({ at, value }) => {
      const left = 1 + ((at - first.at) / width) * (WIDTH - 2)
      const top = HEIGHT - 2 - ((value - least) / height) * (HEIGHT - 4)
      return `${left.toFixed(1)},${top.toFixed(1)}`
    })
    .join(' ')
  return (
    <svg aria-hidden="true" width={WIDTH} height={HEIGHT} viewBox={`0 0 ${WIDTH} ${HEIGHT}`}>
      <polyline points={path} fill="none" stroke="var(--accent)" strokeWidth="1.5" strokeLinejoin="round" />
    </svg>
  )
}
