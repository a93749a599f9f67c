/** A turn while it is being changed: what is typed outlives a reload, and the focus goes back where it came from. */
import { type KeyboardEvent, useState } from 'react'
import { useT } from '@/i18n'
import { Button } from '@/ui/Button'
import { editOf, keepEdit } from './changes'
import styles from './Transcript.module.css'

type Props = {
  turnId: number
  /** Of an answer. */
  column?: number
  text: string
  label: string
  onSave: (text: string) => void
  /** A question can be asked again at once. */
  onSaveAndAnswer?: ((text: string) => void) | undefined
  onCancel: () => void
}

export function EditBox({ turnId, column, text, label, onSave, onSaveAndAnswer, onCancel }: Props) {
  const t = useT()
  const [found] = useState(() => editOf(turnId, column))
  const [typed, setTyped] = useState(found ?? text)
  const closing =
    (act: (text: string) => void) =>
    (last = typed) => {
      keepEdit(null, turnId, column)
      act(last)
    }
  const save = closing(onSave)
  const cancel = closing(onCancel)
  const saveAndAnswer = onSaveAndAnswer && closing(onSaveAndAnswer)
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing || event.keyCode === 229) return
    if (event.key === 'Escape') {
      event.stopPropagation()
      cancel()
    } else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault()
      ;(saveAndAnswer ?? save)()
    }
  }
  return (
    <div className={styles.editing}>
      <textarea
        // biome-ignore lint/a11y/noAutofocus: the person has just asked to edit it
        autoFocus={found === null}
        className={styles.field}
        aria-label={label}
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value)
          keepEdit(event.target.value, turnId, column)
        }}
        onKeyDown={onKeyDown}
      />
      <div className={styles.row}>
        {saveAndAnswer && (
          <Button kind="main" small onClick={() => saveAndAnswer()}>
            {t.playground.saveAndAnswer}
          </Button>
        )}
        <Button small onClick={() => save()}>
          {t.playground.save}
        </Button>
        <Button kind="quiet" small onClick={() => cancel()}>
          {t.shared.cancel}
        </Button>
      </div>
    </div>
  )
}
