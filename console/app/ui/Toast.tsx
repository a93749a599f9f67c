/** Short news of something that was asked for: spoken politely, gone by itself, and closable. */
import { useSyncExternalStore } from 'react'
import { useT } from '@/i18n'
import { Button } from './Button'
import { Icon } from './Icon'
import styles from './Toast.module.css'

type Toast = { id: number; text: string; kind: 'good' | 'bad'; detail?: string | undefined }
const SHOWN_MS = 6_000

let toasts: Toast[] = []
let next = 1
const listeners = new Set<() => void>()

function set(changed: Toast[]): void {
  toasts = changed
  for (const tell of listeners) tell()
}
const dismiss = (id: number) => set(toasts.filter((toast) => toast.id !== id))

/** Bad news stays until it is closed. */
export function toast(
  text: string,
  { kind = 'good', detail }: { kind?: Toast['kind']; detail?: string } = {},
): void {
  const id = next++
  set([...toasts, { id, text, kind, detail }].slice(-4))
  if (kind === 'good') setTimeout(() => dismiss(id), SHOWN_MS)
}

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function Toasts() {
  const t = useT()
  const shown = useSyncExternalStore(subscribe, () => toasts)
  return (
    <div className={styles.stack} role="status" aria-live="polite">
      {shown.map(({ id, text, kind, detail }) => (
        <div key={id} className={styles.toast} data-kind={kind}>
          <Icon name={kind === 'good' ? 'check' : 'warn'} />
          <div className={styles.text}>
            {text}
            {detail && <div className="quiet">{detail}</div>}
          </div>
          <Button kind="quiet" small icon="close" aria-label={t.shared.dismiss} onClick={() => dismiss(id)} />
        </div>
      ))}
    </div>
  )
}
