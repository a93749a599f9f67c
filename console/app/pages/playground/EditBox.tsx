/** A turn while it is being changed. */
import { type KeyboardEvent, useState } from 'react'
import { useT } from '@/i18n'
import { Button } from '@/ui/Button'
import styles from './Transcript.module.css'

type Props = {
  text: string
  label: string
  onSave: (text: string) => void
  /** A question can be asked again at once. */
  onSaveAndAnswer?: ((text: string) => void) | undefined
  onCancel: () => void
}

export function EditBox({ text, label, onSave, onSaveAndAnswer, onCancel }: Props) {
  const t = useT()
  const [typed, setTyped] = useState(text)
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing || event.keyCode === 229) return
    if (event.key === 'Escape') {
      event.stopPropagation()
      onCancel()
    } else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault()
      ;(onSaveAndAnswer ?? onSave)(typed)
    }
  }
  return (
    <div className={styles.editing}>
      <textarea
        // biome-ignore lint/a11y/noAutofocus: the person has just asked to edit it
        autoFocus
        className={styles.field}
        aria-label={label}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <div className={styles.row}>
        {onSaveAndAnswer && (
          <Button kind="main" small onClick={() => onSaveAndAnswer(typed)}>
            {t.playground.saveAndAnswer}
          </Button>
        )}
        <Button small onClick={() => onSave(typed)}>
          {t.playground.save}
        </Button>
        <Button kind="quiet" small onClick={onCancel}>
          {t.shared.cancel}
        </Button>
      </div>
    </div>
  )
}
