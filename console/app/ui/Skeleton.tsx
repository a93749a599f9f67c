/** A place held for what is loading: nothing at first, then grey of the final size, so that nothing jumps. */
import { type CSSProperties, useEffect, useState } from 'react'
import { useT } from '@/i18n'
import styles from './Skeleton.module.css'

const PATIENCE_MS = 200

export function Skeleton({ height, lines = 1 }: { height: string; lines?: number }) {
  const t = useT()
  const [late, setLate] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), PATIENCE_MS)
    return () => clearTimeout(timer)
  }, [])
  return (
    <div className={styles.skeleton} aria-busy="true" style={{ '--height': height } as CSSProperties}>
      {late && <span className="hidden-text">{t.shared.loading}</span>}
      {Array.from({ length: lines }, (_, line) => (
        <div key={line} className={styles.line} data-late={late || undefined} />
      ))}
    </div>
  )
}
