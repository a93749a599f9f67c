/** Where a message is written: Enter sends, Shift+Enter breaks the line, and an input method's Enter is its own. */
import { type KeyboardEvent, memo, type RefObject, useState } from 'react'
import { useT } from '@/i18n'
import { Button } from '@/ui/Button'
import { Segments } from '@/ui/Field'
import styles from './Composer.module.css'

const NAME = 'tunesmith.playground.draft'
/** What the next one begins with. */
export function keepDraft(text: string): void {
  try {
    sessionStorage.setItem(NAME, text)
  } catch {
    // the browser's store is full: the page goes on without it
  }
}

type Role = 'user' | 'assistant'
type Props = {
  field: RefObject<HTMLTextAreaElement | null>
  busy: boolean
  /** The last turn waits for an answer: there is something to do without a message. */
  unanswered: boolean
  /** Why nothing can be asked now. */
  blocked: string | undefined
  onSend: (text: string) => void
  onAdd: (role: Role, text: string) => void
  onStop: () => void
}

export const Composer = memo(function Composer({
  field,
  busy,
  unanswered,
  blocked,
  onSend,
  onAdd,
  onStop,
}: Props) {
  const t = useT()
  const [text, setText] = useState(() => sessionStorage.getItem(NAME) ?? '')
  const [role, setRole] = useState<Role>('user')
  const write = (next: string) => {
    setText(next)
    keepDraft(next)
  }

  const said = text.trim() ? text : ''
  const whyNot =
    role === 'assistant'
      ? said
        ? undefined
        : t.playground.nothingToSend
      : (blocked ?? (said || unanswered ? undefined : t.playground.nothingToSend))
  const submit = () => {
    if (busy || whyNot) return
    if (role === 'assistant') onAdd(role, said)
    else onSend(said)
    write('')
    setRole('user')
  }
  const onKeyDown = (event: KeyboardEvent) => {
    // 229: some browsers end the composition before they tell of the key that ended it
    if (event.nativeEvent.isComposing || event.keyCode === 229) return
    if (event.key !== 'Enter' || event.shiftKey || event.altKey) return
    event.preventDefault()
    submit()
  }
  return (
    <div className={styles.composer}>
      <textarea
        ref={field}
        rows={1}
        className={styles.field}
        aria-label={t.playground.message}
        placeholder={role === 'user' ? t.playground.messagePlaceholder : t.playground.assistantPlaceholder}
        value={text}
        onChange={(event) => write(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <div className={styles.bar}>
        <Segments<Role>
          legend={t.playground.role}
          hidden
          value={role}
          options={[
            { value: 'user', label: t.playground.user },
            { value: 'assistant', label: t.playground.assistant },
          ]}
          onChange={setRole}
        />
        <span className={styles.hint}>{t.playground.sendHint}</span>
        {/* one and the same button, so that it keeps the focus */}
        <Button
          kind={busy ? 'plain' : 'main'}
          {...(busy ? { icon: 'stop' as const } : {})}
          disabledReason={busy ? undefined : whyNot}
          onClick={({ detail: clicks }) => {
            if (!busy) submit()
            else if (clicks !== 2) onStop() // the second click of a double one meant what the first did
          }}
        >
          {busy
            ? t.playground.stop
            : role === 'assistant'
              ? t.playground.addTurn
              : said || !unanswered
                ? t.playground.send
                : t.playground.answerLast}
        </Button>
      </div>
    </div>
  )
})
