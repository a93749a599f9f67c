/** What stands where this key may not look: one sentence on who may, and no empty table. */
import { Icon } from '@/ui/Icon'
import styles from './NotAllowed.module.css'

export function NotAllowed({ title, text }: { title: string; text: string }) {
  return (
    <section className={styles.card}>
      <Icon name="keys" size={24} />
      <div>
        <h2>{title}</h2>
        <p className="quiet">{text}</p>
      </div>
    </section>
  )
}
