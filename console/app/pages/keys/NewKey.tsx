/** A new key: named, made, and shown this once with what an SDK needs. */
import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useId, useState } from 'react'
import { createKey } from '@/api/organization'
import { useT } from '@/i18n'
import { Problem } from '@/parts/Problem'
import { Button } from '@/ui/Button'
import { CopyButton } from '@/ui/CopyButton'
import { Dialog } from '@/ui/Dialog'
import { Field, Input, Select } from '@/ui/Field'
import { Icon } from '@/ui/Icon'
import styles from './Keys.module.css'

const DAY_S = 86_400
const LIFETIMES_S = {
  never: 0,
  day: DAY_S,
  week: 7 * DAY_S,
  month: 30 * DAY_S,
  quarter: 90 * DAY_S,
  year: 365 * DAY_S,
}
type Lifetime = keyof typeof LIFETIMES_S

/** `where`: the project; null for an admin key. */
export function NewKey({ where, onClose }: { where: string | null; onClose: () => void }) {
  const t = useT()
  const form = useId()
  const client = useQueryClient()
  const [name, setName] = useState('')
  const [lifetime, setLifetime] = useState<Lifetime>('never')
  const [missing, setMissing] = useState(false)
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<unknown>(null)
  const [secret, setSecret] = useState<string | null>(null)
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    const wanted = name.trim()
    setMissing(!wanted)
    if (!wanted || busy) return
    setBusy(true)
    setProblem(null)
    try {
      const seconds = LIFETIMES_S[lifetime]
      setSecret(await createKey(where, { name: wanted, ...(seconds ? { expires_in_seconds: seconds } : {}) }))
      client.invalidateQueries({ queryKey: ['keys'] })
    } catch (error) {
      setProblem(error)
    }
    setBusy(false)
  }
  if (secret !== null) return <Secret secret={secret} onClose={onClose} />
  return (
    <Dialog
      title={where === null ? t.keys.newAdminKey : t.keys.newKey}
      onClose={onClose}
      mayClose={() => !busy}
      footer={
        <>
          <Button disabledReason={busy ? t.shared.underWay : undefined} onClick={onClose}>
            {t.shared.cancel}
          </Button>
          <Button kind="main" type="submit" form={form} busy={busy}>
            {t.keys.create}
          </Button>
        </>
      }
    >
      <form id={form} className={styles.form} onSubmit={submit} noValidate>
        <Field label={t.keys.name} hint={t.keys.nameHint} error={missing ? t.keys.missingName : null}>
          {(tied) => (
            <Input
              {...tied}
              maxLength={128}
              autoComplete="off"
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <Field label={t.keys.expires}>
          {(tied) => (
            <Select
              {...tied}
              value={lifetime}
              onChange={(event) => setLifetime(event.target.value as Lifetime)}
            >
              {(Object.keys(LIFETIMES_S) as Lifetime[]).map((one) => (
                <option key={one} value={one}>
                  {t.keys.expiresIn[one]}
                </option>
              ))}
            </Select>
          )}
        </Field>
        {problem !== null && <Problem error={problem} />}
      </form>
    </Dialog>
  )
}

/** It is nowhere else: neither Esc nor a stray click puts it away. */
function Secret({ secret, onClose }: { secret: string; onClose: () => void }) {
  const t = useT()
  const [asked, setAsked] = useState(false)
  const lines = `export OPENAI_BASE_URL=${location.origin}/v1\nexport OPENAI_API_KEY=${secret}`
  return (
    <Dialog
      title={t.keys.shownTitle}
      onClose={onClose}
      mayClose={() => {
        setAsked(true)
        return false
      }}
      footer={
        <Button kind="main" onClick={onClose}>
          {t.keys.done}
        </Button>
      }
    >
      <div className={styles.form}>
        <div className={styles.once}>
          <Icon name="info" />
          <div>
            <p>{t.keys.shownOnce}</p>
            <p role="status">{asked && t.keys.staysOpen({ done: t.keys.done })}</p>
          </div>
        </div>
        <div className={styles.secret}>
          <code>{secret}</code>
          <CopyButton text={secret} what={t.keys.secret} label={t.shared.copy} />
        </div>
        <div>
          <p className={styles.caption}>{t.keys.asEnvironment}</p>
          <div className={styles.secret}>
            <pre>{lines}</pre>
            <CopyButton text={lines} what={t.keys.environment} />
          </div>
        </div>
      </div>
    </Dialog>
  )
}
