/** Validation data for who has none: a tenth of the training rows, in a file of their own. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { fileQuery } from '@/api/files'
import { type Held, MOST_BYTES, partsOf, storeParts } from '@/api/holdOut'
import { serverQuery } from '@/api/server'
import { useT } from '@/i18n'
import { count } from '@/lib/number'
import { harmless } from '@/lib/visible'
import { Problem } from '@/parts/Problem'
import { Button } from '@/ui/Button'
import { Icon } from '@/ui/Icon'
import styles from './Create.module.css'
import type { Form } from './form'

type Props = { form: Form; onChange: (changed: Partial<Form>) => void; onBusy: (busy: boolean) => void }

export function HoldOut({ form, onChange, onBusy }: Props) {
  const t = useT()
  const client = useQueryClient()
  const { data: file } = useQuery({ ...fileQuery(form.training), enabled: form.training !== '' })
  const { data: server } = useQuery(serverQuery())
  const [busy, setBusy] = useState(false)
  const [tooFew, setTooFew] = useState<string | null>(null)
  const [refusal, setRefusal] = useState<unknown>(null)
  const [held, setHeld] = useState<(Held & { whole: string }) | null>(null)
  // what was typed while the files travelled is not lost
  const latest = useRef(onChange)
  useEffect(() => {
    latest.current = onChange
  })
  const isHeld = held && held.train.id === form.training && held.valid.id === form.validation

  const run = async () => {
    if (!file) return
    const doing = (now: boolean) => {
      setBusy(now)
      onBusy(now)
    }
    doing(true)
    setTooFew(null)
    setRefusal(null)
    try {
      const parts = await partsOf(file)
      const least = server?.minimum_rows.training_file ?? 1
      if (!parts || parts.nTrain < least) {
        const [rest, rows] = [parts?.nTrain ?? 0, parts ? parts.nTrain + parts.nValid : 1]
        setTooFew(t.create.holdOutTooFew({ rows: count(rows), rest: count(rest), least: count(least) }))
      } else {
        const made = await storeParts(file, parts)
        await client.invalidateQueries({ queryKey: ['files'] })
        setHeld({ ...made, whole: file.id })
        latest.current({ training: made.train.id, validation: made.valid.id })
      }
    } catch (error) {
      setRefusal(error)
    }
    doing(false)
  }
  if (isHeld) {
    const { train, valid, parts, whole } = held
    const words = {
      train: harmless(train.filename),
      nTrain: count(parts.nTrain),
      valid: harmless(valid.filename),
      nValid: count(parts.nValid),
    }
    return (
      <p className={styles.notice} role="status">
        <Icon name="check" size={14} />
        <span>{t.create.heldOut(words)}</span>
        <Button small onClick={() => onChange({ training: whole, validation: '' })}>
          {t.create.holdOutUndo}
        </Button>
      </p>
    )
  }
  const reason = !form.training
    ? t.create.holdOutNeedsData
    : form.validation
      ? t.create.holdOutHas
      : file && file.bytes > MOST_BYTES
        ? t.create.holdOutTooLarge
        : undefined
  return (
    <div className={styles.holdOut}>
      <Button small busy={busy} disabledReason={reason} onClick={run}>
        {busy ? t.create.holdingOut : t.create.holdOut}
      </Button>
      <p className="quiet">{t.create.holdOutHint}</p>
      {tooFew && (
        <p className={styles.fault} role="alert">
          <Icon name="warn" size={14} /> {tooFew}
        </p>
      )}
      {refusal !== null && <Problem error={refusal} />}
    </div>
  )
}
