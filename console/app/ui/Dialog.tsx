/** The browser's own modal dialog: it keeps the focus inside, gives it back, and closes on Esc. */
import { type ReactNode, useId, useLayoutEffect, useRef } from 'react'
import { useT } from '@/i18n'
import { Button } from './Button'
import styles from './Dialog.module.css'

type Props = {
  title: string
  onClose: () => void
  /** Asked before it closes by Esc, the cross or a click beside it; false keeps it open. */
  mayClose?: () => boolean
  /** Ctrl+Enter anywhere inside. */
  onConfirm?: () => void
  wide?: boolean
  footer?: ReactNode
  children: ReactNode
}

export function Dialog({ title, onClose, mayClose, onConfirm, wide, footer, children }: Props) {
  const t = useT()
  const ref = useRef<HTMLDialogElement>(null)
  const id = useId()
  // open before it is painted, so that the first key already goes into it
  useLayoutEffect(() => {
    const dialog = ref.current
    const before = document.activeElement
    if (dialog && !dialog.open) {
      dialog.showModal()
      // what is only read has to scroll by keyboard too
      const body = dialog.querySelector<HTMLElement>('[data-body]')
      if (body && !body.querySelector('a, button, input, select, textarea, [tabindex]')) body.tabIndex = 0
      dialog.querySelector<HTMLElement>('[data-body] :is(input:not([type=file]), select, textarea)')?.focus()
    }
    return () => {
      dialog?.close()
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])
  const close = () => {
    if (mayClose?.() ?? true) onClose()
  }
  return (
    <dialog
      ref={ref}
      className={wide ? `${styles.dialog} ${styles.wide}` : styles.dialog}
      aria-labelledby={id}
      onCancel={(event) => {
        if (event.target !== ref.current) return // a file chooser inside
        event.preventDefault()
        close()
      }}
      onClose={(event) => {
        // the browser lets a second Esc close it whatever was said to the first
        if (event.target !== ref.current || ref.current?.open) return
        if (mayClose?.() ?? true) onClose()
        else ref.current?.showModal()
      }}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || !onConfirm) return
        event.preventDefault()
        onConfirm()
      }}
      onMouseDown={(event) => {
        if (event.target === ref.current) close()
      }}
    >
      <div className={styles.head}>
        <h2 id={id}>{title}</h2>
        <Button kind="quiet" icon="close" aria-label={t.frame.close} onClick={close} />
      </div>
      <div className={styles.body} data-body>
        {children}
      </div>
      {footer && <div className={styles.foot}>{footer}</div>}
    </dialog>
  )
}
