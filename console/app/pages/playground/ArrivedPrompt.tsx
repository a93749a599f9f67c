/** A link has brought a prompt where a conversation is already: whoever reads decides what becomes of it. */
import { useT } from '@/i18n'
import type { Prompt } from '@/lib/promptLink'
import { Button } from '@/ui/Button'
import styles from './Playground.module.css'

type Props = { prompt: Prompt; forget: () => void; onTake: (prompt: Prompt) => void }

export function ArrivedPrompt({ prompt, forget, onTake }: Props) {
  const t = useT()
  const words = t.asking.link
  return (
    <div className={styles.arrived} role="status">
      <p>{words.arrived}</p>
      <div className={styles.choices}>
        <Button
          small
          kind="main"
          onClick={() => {
            onTake(prompt)
            forget()
          }}
        >
          {words.replace}
        </Button>
        <Button small onClick={forget}>
          {words.keep}
        </Button>
      </div>
    </div>
  )
}
