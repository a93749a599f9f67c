/** A training or validation file: one that is there, or a new one dropped or chosen, looked at before it travels. */
import { useQuery } from '@tanstack/react-query'
import {
  type DragEvent,
  useCallback,
  useEffect,
  useId,
  useLayoutEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react'
import { filesQuery } from '@/api/files'
import { cancel, current, dismiss, isMoving, mayRetry, subscribe, type Uploading } from '@/api/uploading'
import { useT } from '@/i18n'
import { LOOK_BYTES, type Look, lookFault } from '@/lib/jsonl'
import { ago, bytes, count, percent } from '@/lib/number'
import { Button } from '@/ui/Button'
import { Field, Select } from '@/ui/Field'
import { Icon } from '@/ui/Icon'
import styles from './FilePicker.module.css'
import { Heard } from './Heard'
import { Problem } from './Problem'
import { useUpload } from './useUpload'

type Props = {
  label: string
  wire: string
  hint?: string
  value: string
  /** `seen`: what the first rows look like, of a file that has just been uploaded. */
  onChange: (fileId: string, seen?: Look) => void
  error?: string | undefined
  mark?: string | undefined
  /** What an absent file is called; without it there has to be one. */
  none?: string
  onBusy: (busy: boolean) => void
}

export function FilePicker({ label, wire, hint, value, onChange, error, mark, none, onBusy }: Props) {
  const t = useT()
  const chooser = useId()
  const input = useRef<HTMLInputElement>(null)
  const { data } = useQuery(filesQuery())
  const uploads = useSyncExternalStore(subscribe, current)
  const [uploadId, setUploadId] = useState<number | null>(null)
  const [failed, setFailed] = useState<Uploading | null>(null)
  const [over, setOver] = useState(false)
  const [arrived, setArrived] = useState<Uploading | null>(null)
  // an upload takes its time: it ends in the form as it is then, not as it was when it began
  const told = useRef({ onChange, onBusy })
  const isHere = useRef(false)
  useLayoutEffect(() => {
    told.current = { onChange, onBusy }
  })
  useLayoutEffect(() => {
    isHere.current = true
    return () => {
      isHere.current = false
    }
  }, [])
  const begin = useUpload(useCallback(() => isHere.current, []))
  const sending = uploads.find((one) => one.id === uploadId && isMoving(one))
  const busy = sending !== undefined
  useEffect(() => told.current.onBusy(busy), [busy])
  const seen = arrived?.file?.id === value ? arrived.look : null

  const send = (source: File) => {
    if (sending) cancel(sending.id)
    setFailed(null)
    const id = begin(source, (ended) => {
      dismiss(ended.id) // what became of it stands here
      if (ended.file) {
        setArrived(ended)
        told.current.onChange(ended.file.id, ended.look ?? undefined)
      } else if (ended.state !== 'cancelled') setFailed(ended)
    })
    setUploadId(id)
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
      <Field
        label={label}
        wire={wire}
        hint={hint}
        mark={mark}
        error={(failed?.look && lookFault(failed.look, t)) ?? error}
      >
        {(tied) => (
          <Select
            {...tied}
            data-field={wire}
            value={value}
            onChange={(event) => {
              setFailed(null)
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
          <Heard
            words={t.create.uploading({ name: sending.name, share: percent(shareOf(sending)) })}
            share={shareOf(sending)}
          />
          <progress value={shareOf(sending)} aria-label={sending.name} />
          <Button small onClick={() => cancel(sending.id)}>
            {t.shared.cancel}
          </Button>
        </div>
      ) : (
        <p className={styles.drop}>
          <Icon name={seen ? 'check' : 'upload'} size={14} />
          {seen && (
            <span>
              {t.create.rows({ count: count(seen.lines), more: (arrived?.totalBytes ?? 0) > LOOK_BYTES })} ·
            </span>
          )}
          <span>{t.create.dropTraining}</span>
          <button type="button" className={styles.browse} onClick={() => input.current?.click()}>
            {t.create.browse}
          </button>
        </p>
      )}
      {failed && failed.state === 'failed' && (
        <Problem
          error={failed.problem}
          {...(mayRetry(failed) ? { onRetry: () => send(failed.source) } : {})}
        />
      )}
    </div>
  )
}

const shareOf = ({ sentBytes, totalBytes }: Uploading): number => (totalBytes ? sentBytes / totalBytes : 0)
