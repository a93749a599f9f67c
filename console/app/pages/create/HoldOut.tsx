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
import { toast } from '@/ui/Toast'
import styles from './Create.module.css'
import type { Form } from './form'

type Props = { form: Form; onChange: (changed: Partial<Form>) => void; onBusy: (busy: boolean) => void }

export function HoldOut({ form, onChange, onBusy }: Props) {
  const t = useT()
  const client = useQueryClient()
  const { data: file } = useQuery({ ...fileQuery(form.training), enabled: form.training !== '' })
  const { data: server } = useQuery(serverQuery())
  const [busy, setBusy] = useState(false)
  /** What came of it, of the file with that id: why there are too few rows, or what was thrown. */
  const [failed, setFailed] = useState<{ of: string; tooFew?: string; refusal?: unknown } | null>(null)
  const [held, setHeld] = useState<(Held & { whole: string }) | null>(null)
  // what was typed while the files travelled is not lost
  const latest = useRef({ form, onChange })
  useEffect(() => {
    latest.current = { form, onChange }
  })
  const failure = failed?.of === form.training ? failed : null
  const isHeld = held && held.train.id === form.training && held.valid.id === form.validation

  const run = async () => {
    if (!file) return
    const doing = (now: boolean) => {
      setBusy(now)
      onBusy(now)
    }
    doing(true)
    setFailed(null)
    try {
      const parts = await partsOf(file)
      const least = server?.minimum_rows.training_file ?? 1
      if (!parts || parts.nTrain < least) {
        const [rest, rows] = [parts?.nTrain ?? 0, parts ? parts.nTrain + parts.nValid : 1]
        const tooFew = t.create.holdOutTooFew({ rows: count(rows), rest: count(rest), least: count(least) })
        setFailed({ of: file.id, tooFew })
      } else {
        const made = await storeParts(file, parts)
        await client.invalidateQueries({ queryKey: ['files'] })
        setHeld({ ...made, whole: file.id })
        const { form: now, onChange: change } = latest.current
        const [train, valid] = [made.train, made.valid]
        // what was chosen meanwhile stays chosen
        if (now.training === file.id && !now.validation) change({ training: train.id, validation: valid.id })
        else toast(t.datasets.wasSplit({ train: harmless(train.filename), valid: harmless(valid.filename) }))
      }
    } catch (error) {
      setFailed({ of: file.id, refusal: error })
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
      {failure?.tooFew && (
        <p className={styles.fault} role="alert">
          <Icon name="warn" size={14} /> {failure.tooFew}
        </p>
      )}
      {failure?.refusal !== undefined && <Problem error={failure.refusal} />}
    </div>
  )
}
