/** Pieces of a line as it stands in the file, with what is wrong marked and nothing invisible. */
import { useT } from '@/i18n'
import type { Piece } from '@/lib/excerpt'
import { visible } from '@/lib/visible'
import styles from './Dataset.module.css'

export function Pieces({ pieces }: { pieces: readonly Piece[] }) {
  const t = useT()
  return pieces.map(({ text, isSpot }, index) =>
    isSpot ? (
      <mark key={index} className={styles.spot}>
        {visible(text) || t.datasets.endsHere}
      </mark>
    ) : (
      <span key={index}>{visible(text)}</span>
    ),
  )
}
