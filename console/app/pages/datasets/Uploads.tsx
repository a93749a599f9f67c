/** The uploads of this tab, from the first look to the file. */
import { useSyncExternalStore } from 'react'
import { cancel, current, dismiss, isMoving, mayRetry, subscribe, type Uploading } from '@/api/uploading'
import { type Messages, useT } from '@/i18n'
import { lookFault } from '@/lib/jsonl'
import { bytes, count, duration, percent } from '@/lib/number'
import { harmless } from '@/lib/visible'
import { useNow } from '@/parts/Age'
import { Problem } from '@/parts/Problem'
import { paths } from '@/paths'
import { Button, ButtonLink } from '@/ui/Button'
import { Icon } from '@/ui/Icon'
import styles from './Datasets.module.css'

export function Uploads({ onRetry }: { onRetry: (file: File) => void }) {
  const t = useT()
  const uploads = useSyncExternalStore(subscribe, current)
  if (!uploads.length) return null
  return (
    <section className={styles.uploads} aria-label={t.datasets.uploads}>
      <ul>
        {uploads.map((one) => (
          <li key={one.id} className={styles.upload} data-state={one.state}>
            <Row upload={one} onRetry={onRetry} />
          </li>
        ))}
      </ul>
    </section>
  )
}

function Row({ upload, onRetry }: { upload: Uploading; onRetry: (file: File) => void }) {
  const t = useT()
  useNow(1_000) // the time left changes by itself
  const { id, name, state, file, look, problem, sentBytes, totalBytes } = upload
  const moving = isMoving(upload)
  return (
    <>
      <div className={styles.uploadHead}>
        <Icon name={state === 'done' ? 'check' : moving ? 'upload' : 'warn'} />
        <span className={styles.uploadName}>{harmless(name)}</span>
        <span className={styles.uploadFacts} role={moving ? undefined : 'status'}>
          {factsOf(upload, t)}
        </span>
        {file && (
          <ButtonLink small to={paths.dataset(file.id)}>
            {t.datasets.open}
          </ButtonLink>
        )}
        {moving ? (
          <Button small onClick={() => cancel(id)}>
            {t.shared.cancel}
          </Button>
        ) : (
          <Button
            kind="quiet"
            small
            icon="close"
            aria-label={t.datasets.dismiss({ name })}
            onClick={() => dismiss(id)}
          />
        )}
      </div>
      {moving && (
        <progress
          className={styles.progress}
          max={totalBytes || 1}
          value={sentBytes}
          aria-label={t.datasets.progress({ name })}
        />
      )}
      {state === 'refused' && look && <p className={styles.fault}>{lookFault(look, t)}</p>}
      {state === 'failed' && (
        <>
          <p className={styles.fault}>{t.datasets.arrivedBefore({ sent: bytes(sentBytes) })}</p>
          <Problem
            error={problem}
            {...(mayRetry(upload)
              ? {
                  onRetry: () => {
                    dismiss(id)
                    onRetry(upload.source)
                  },
                }
              : {})}
          />
        </>
      )}
    </>
  )
}

function factsOf({ state, sentBytes, totalBytes, startedMs, look }: Uploading, t: Messages): string {
  if (state === 'checking') return t.datasets.checking
  if (state === 'cancelled') return t.datasets.stopped
  if (state === 'done') {
    const rows =
      look && !isCut(totalBytes) ? ` · ${t.create.rows({ count: count(look.lines), more: false })}` : ''
    return `${t.datasets.arrived} · ${bytes(totalBytes)}${rows}`
  }
  if (state !== 'sending') return bytes(totalBytes)
  const seconds = (performance.now() - startedMs) / 1000
  const rate = seconds > 0.5 ? sentBytes / seconds : 0
  return [
    percent(totalBytes ? sentBytes / totalBytes : 0),
    t.datasets.sent({ sent: bytes(sentBytes), total: bytes(totalBytes) }),
    rate ? t.datasets.rate({ rate: bytes(rate) }) : '',
    rate && sentBytes < totalBytes
      ? t.datasets.left({ left: duration((totalBytes - sentBytes) / rate) })
      : '',
  ]
    .filter(Boolean)
    .join(' · ')
}

/** The first look has not seen all of it. */
const isCut = (totalBytes: number): boolean => totalBytes > 64 * 1024
