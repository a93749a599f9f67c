/** The messages of a row, to read: who speaks, what is said, and which of it is learnt. */
import { useT } from '@/i18n'
import { type RowMessage, textOf } from '@/lib/drafts'
import { harmless } from '@/lib/visible'
import styles from './RowMessages.module.css'

/** `learns`: assistants' turns are what is trained on, unless their weight is 0. */
export function RowMessages({ messages, learns }: { messages: readonly RowMessage[]; learns?: boolean }) {
  const t = useT()
  return (
    <div className={styles.messages}>
      {messages.map((message, index) => {
        const isLearnt = learns && message.role === 'assistant' && message.weight !== 0
        return (
          <div key={index} className={styles.message} data-trained={isLearnt || undefined}>
            <span className={styles.role}>
              {harmless(`${message.role}`)}
              {learns && message.role === 'assistant' && !isLearnt && ` (${t.drafts.untrained})`}
            </span>
            <div className={styles.text}>{harmless(textOf(message))}</div>
          </div>
        )
      })}
    </div>
  )
}
