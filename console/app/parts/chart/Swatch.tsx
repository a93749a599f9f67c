/** A line of a chart in small: its colour, its dash, its kind. */
import type { Line } from './model'

export function Swatch({ line }: { line: Pick<Line, 'kind' | 'colour' | 'dash'> }) {
  const colour = `var(--series-${line.colour})`
  return (
    <svg aria-hidden="true" width="22" height="12" viewBox="0 0 22 12">
      {line.kind === 'dots' ? (
        [4, 11, 18].map((x) => <circle key={x} cx={x} cy="6" r="2" fill={colour} opacity="0.7" />)
      ) : (
        <line
          x1="1"
          x2="21"
          y1="6"
          y2="6"
          stroke={colour}
          strokeWidth={line.kind === 'raw' ? 1 : 2}
          strokeDasharray={line.dash?.join(' ')}
          opacity={line.kind === 'raw' ? 0.5 : 1}
        />
      )}
      {line.kind === 'marks' && <circle cx="11" cy="6" r="4" fill={colour} />}
    </svg>
  )
}
