/** A short remark that appears beside what it explains, on hover and on focus; Esc puts it away. It may be missing. */
import { type ReactNode, useState } from 'react'
import styles from './Tip.module.css'

export function Tip({ text, id, children }: { text: string | undefined; id?: string; children: ReactNode }) {
  const [away, setAway] = useState(false)
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it listens on behalf of the button inside
    <span
      className={styles.anchor}
      onKeyDown={(event) => event.key === 'Escape' && setAway(true)}
      onPointerEnter={() => setAway(false)}
      onFocus={() => setAway(false)}
    >
      {children}
      {text && (
        <span role="tooltip" id={id} className={styles.tip} data-away={away || undefined}>
          {text}
        </span>
      )}
    </span>
  )
}
