/** An answer in which the words that part from the others' are marked: by a line beneath, and by shade. */
import type { Stretch } from '@/lib/diff'
import { harmless } from '@/lib/visible'
import styles from './Diff.module.css'

export function DiffText({ text }: { text: Stretch[] }) {
  return (
    <div className={styles.text}>
      {text.map((one, index) =>
        one.same ? harmless(one.text) : <mark key={index}>{harmless(one.text)}</mark>,
      )}
    </div>
  )
}
