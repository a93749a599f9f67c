/** A file of prompts and completions as a new file of messages, made piece by piece: it is never held whole. */
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { useNavigate } from 'react-router'
import type { FileObject } from '@/api/client'
import { converted } from '@/api/convert'
import { sentence } from '@/api/errors'
import { upload } from '@/api/upload'
import { useT } from '@/i18n'
import { convertedName, NotConvertible } from '@/lib/convert'
import { bytes, count, percent } from '@/lib/number'
import { harmless } from '@/lib/visible'
import { Heard } from '@/parts/Heard'
import { paths } from '@/paths'
import { Button } from '@/ui/Button'
import { Icon } from '@/ui/Icon'
import { toast } from '@/ui/Toast'
import styles from './Convert.module.css'

/** Read and sent in a minute or so, and three times of it still goes in one request. */
const MOST_BYTES = 128 * 1024 * 1024

type Reading = { readBytes: number; rows: number; sending: boolean }

/** `faulty`: some row would stop it. */
export function Convert({ file, faulty }: { file: FileObject; faulty: boolean }) {
  const t = useT()
  const words = t.drafts.convert
  const navigate = useNavigate()
  const client = useQueryClient()
  const [reading, setReading] = useState<Reading | null>(null)
  const stop = useRef<AbortController | null>(null)
  useEffect(() => () => stop.current?.abort(), [])
  const run = async () => {
    const controller = new AbortController()
    stop.current = controller
    setReading({ readBytes: 0, rows: 0, sending: false })
    try {
      const { parts, rows } = await converted(file.id, controller.signal, (readBytes, rows) =>
        setReading({ readBytes, rows, sending: false }),
      )
      setReading({ readBytes: file.bytes, rows, sending: true })
      const made = await upload(new File(parts, convertedName(file.filename)), { signal: controller.signal })
      client.invalidateQueries({ queryKey: ['files'] })
      toast(words.done({ name: harmless(made.filename), rows: count(rows) }))
      navigate(paths.dataset(made.id))
    } catch (error) {
      if (controller.signal.aborted) toast(words.cancelled)
      else if (error instanceof NotConvertible)
        toast(words.line({ line: count(error.line) }), { kind: 'bad' })
      else toast(sentence(error, t), { kind: 'bad' })
    }
    setReading(null)
  }
  const share = reading && file.bytes ? Math.min(1, reading.readBytes / file.bytes) : 1
  const reason = faulty
    ? words.faults
    : file.bytes > MOST_BYTES
      ? words.tooLarge({ most: bytes(MOST_BYTES) })
      : undefined
  return (
    <div className={styles.convert}>
      <Icon name="info" />
      <p>
        {words.text} <span className="quiet">{words.hint}</span>
      </p>
      {reading ? (
        <div className={styles.running}>
          <progress max={file.bytes || 1} value={reading.readBytes} aria-label={words.progress} />
          <Heard
            words={
              reading.sending
                ? words.sending
                : words.reading({ share: percent(share), rows: count(reading.rows) })
            }
            share={share}
            phase={`${reading.sending}`}
          />
          <Button small onClick={() => stop.current?.abort()}>
            {t.shared.cancel}
          </Button>
        </div>
      ) : (
        <Button small icon="duplicate" disabledReason={reason} onClick={run}>
          {words.action}
        </Button>
      )}
    </div>
  )
}
