/** Deleting asks for the name: it cannot be undone, and says what depends on it. */
import { type ReactNode, useState } from 'react'
import { useT } from '@/i18n'
import { isSameName } from '@/lib/sameName'
import { Button } from '@/ui/Button'
import { Dialog } from '@/ui/Dialog'
import { Field, Input } from '@/ui/Field'
import styles from './DeleteDialog.module.css'
import { Problem } from './Problem'

type Props = {
  title: string
  /** What has to be typed. */
  name: string
  /** What happens. */
  children: ReactNode
  action: string
  onDelete: () => Promise<void>
  onClose: () => void
}

export function DeleteDialog({ title, name, children, action, onDelete, onClose }: Props) {
  const t = useT()
  const [typed, setTyped] = useState('')
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<unknown>(null)
  const matches = isSameName(typed, name)
  const submit = async () => {
    if (!matches || busy) return
    setBusy(true)
    setProblem(null)
    try {
      await onDelete()
      onClose()
    } catch (error) {
      setProblem(error)
      setBusy(false)
    }
  }
  return (
    <Dialog
      title={title}
      onClose={onClose}
      mayClose={() => !busy}
      footer={
        <>
          <Button disabledReason={busy ? t.shared.underWay : undefined} onClick={onClose}>
            {t.shared.cancel}
          </Button>
          <Button
            kind="danger"
            busy={busy}
            disabledReason={matches ? undefined : t.deleting.typeFirst}
            onClick={submit}
          >
            {action}
          </Button>
        </>
      }
    >
      <form
        className={styles.body}
        onSubmit={(event) => {
          event.preventDefault()
          submit()
        }}
      >
        {children}
        <p className={styles.name}>
          <code>{name}</code>
        </p>
        <Field label={t.deleting.typeName}>
          {(tied) => (
            <Input
              {...tied}
              className="mono"
              autoComplete="off"
              spellCheck={false}
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
            />
          )}
        </Field>
        {problem !== null && <Problem error={problem} />}
      </form>
    </Dialog>
  )
}
