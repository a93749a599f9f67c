/** A training or validation file: one that is there, or a new one dropped or chosen, looked at before it travels. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { type DragEvent, useEffect, useId, useLayoutEffect, useRef, useState } from 'react'
import { filesQuery } from '@/api/files'
import { upload } from '@/api/upload'
import { useT } from '@/i18n'
import { LOOK_BYTES, type Look, look } from '@/lib/jsonl'
import { ago, bytes, count, percent } from '@/lib/number'
import { Button } from '@/ui/Button'
import { Field, Select } from '@/ui/Field'
import { Icon } from '@/ui/Icon'
import styles from './FilePicker.module.css'
import { Problem } from './Problem'

type Props = {
  label: string
  wire: string
  hint?: string
  value: string
  onChange: (fileId: string) => void
  error?: string | undefined
  /** What an absent file is called; without it there has to be one. */
  none?: string
  /** Told what the first rows of an uploaded file look like. */
  onLook?: (seen: Look) => void
  onBusy?: (busy: boolean) => void
}
type Sending = { name: string; share: number; stop: AbortController }

export function FilePicker({ label, wire, hint, value, onChange, error, none, onLook, onBusy }: Props) {
  const t = useT()
  const client = useQueryClient()
  const chooser = useId()
  const input = useRef<HTMLInputElement>(null)
  const { data } = useQuery(filesQuery())
  const [sending, setSending] = useState<Sending | null>(null)
  const [fault, setFault] = useState<string | null>(null)
  const [refusal, setRefusal] = useState<unknown>(null)
  const [over, setOver] = useState(false)
  const [seen, setSeen] = useState<(Look & { more: boolean }) | null>(null)
  useEffect(() => onBusy?.(sending !== null), [sending, onBusy])
  // an upload takes its time: it ends in the form as it is then, not as it was when it began
  const told = useRef({ onChange, onLook })
  useLayoutEffect(() => {
    told.current = { onChange, onLook }
  })

  const send = async (file: File) => {
    setFault(null)
    setRefusal(null)
    const first = look(await file.slice(0, LOOK_BYTES).text(), file.size <= LOOK_BYTES)
    if (first.problem) {
      const words = t.create.look[first.problem]
      setFault(typeof words === 'string' ? words : words({ line: first.line ?? 1 }))
      return
    }
    const stop = new AbortController()
    setSending({ name: file.name, share: 0, stop })
    try {
      const made = await upload(file, {
        signal: stop.signal,
        onProgress: ({ sentBytes, totalBytes }) =>
          setSending({ name: file.name, share: totalBytes ? sentBytes / totalBytes : 0, stop }),
      })
      await client.invalidateQueries({ queryKey: ['files'] })
      setSeen({ ...first, more: file.size > LOOK_BYTES })
      told.current.onLook?.(first)
      told.current.onChange(made.id)
    } catch (cause) {
      if (!stop.signal.aborted) setRefusal(cause)
    }
    setSending(null)
  }
  const drop = (event: DragEvent) => {
    event.preventDefault()
    setOver(false)
    const file = event.dataTransfer.files[0]
    if (file) send(file)
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping has the button as its other way
    <div
      className={styles.picker}
      data-over={over || undefined}
      onDragOver={(event) => {
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <Field label={label} wire={wire} hint={hint} error={fault ?? error}>
        {(tied) => (
          <Select
            {...tied}
            data-field={wire}
            value={value}
            onChange={(event) => {
              setSeen(null)
              setFault(null)
              onChange(event.target.value)
            }}
          >
            <option value="">{none ?? t.create.choose}</option>
            {data?.data.map((file) => (
              <option key={file.id} value={file.id}>
                {file.filename} · {bytes(file.bytes)} · {ago(file.created_at)} · {file.id}
              </option>
            ))}
            {value && data && !data.data.some((file) => file.id === value) && (
              <option value={value}>{value}</option>
            )}
          </Select>
        )}
      </Field>
      <input
        ref={input}
        id={chooser}
        type="file"
        accept=".jsonl,application/jsonl"
        className="hidden-text"
        tabIndex={-1}
        aria-label={`${label}: ${t.create.browse}`}
        onChange={(event) => {
          const file = event.target.files?.[0]
          event.target.value = ''
          if (file) send(file)
        }}
      />
      {sending ? (
        <div className={styles.sending}>
          <span aria-live="polite">
            {t.create.uploading({ name: sending.name, share: percent(sending.share) })}
          </span>
          <progress value={sending.share} aria-label={sending.name} />
          <Button small onClick={() => sending.stop.abort()}>
            {t.shared.cancel}
          </Button>
        </div>
      ) : (
        <p className={styles.drop}>
          <Icon name={seen ? 'check' : 'upload'} size={14} />
          {seen && <span>{t.create.rows({ count: count(seen.lines), more: seen.more })} ·</span>}
          <span>{t.create.dropTraining}</span>
          <button type="button" className={styles.browse} onClick={() => input.current?.click()}>
            {t.create.browse}
          </button>
        </p>
      )}
      {refusal !== null && <Problem error={refusal} />}
    </div>
  )
}
