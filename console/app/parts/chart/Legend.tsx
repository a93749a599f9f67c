/** The lines of a chart by name, each a switch, with what they say under the cursor. */
import { memo } from 'react'
import styles from './Legend.module.css'
import type { Line } from './model'
import { Swatch } from './Swatch'

type Props = {
  lines: Line[]
  /** What each line says, by its id. */
  said: Map<string, string>
  /** Ids of the lines that are not drawn. */
  hidden: ReadonlySet<string>
  onToggle: (id: string) => void
}

/** Has no part in a pan, and is not drawn again for one. */
export const Legend = memo(function Legend({ lines, said, hidden, onToggle }: Props) {
  return (
    <ul className={styles.legend}>
      {lines.map((line) => (
        <li key={line.id}>
          <button
            type="button"
            className={styles.line}
            aria-pressed={!hidden.has(line.id)}
            onClick={() => onToggle(line.id)}
          >
            <Swatch line={line} />
            <span>{line.label}</span>
          </button>
          <span className={styles.value}>{said.get(line.id) ?? ''}</span>
        </li>
      ))}
    </ul>
  )
})
