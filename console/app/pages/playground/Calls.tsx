/** The calls that an answer made, each with its arguments, and a place for what came of it. */
import type { KeyboardEvent } from 'react'
import type { ToolCall } from '@/api/chat'
import { useT } from '@/i18n'
import { pretty } from '@/lib/chatShape'
import { harmless } from '@/lib/visible'
import { Button } from '@/ui/Button'
import { Field } from '@/ui/Field'
import styles from './Calls.module.css'
import { setResult } from './changes'

type Props = {
  calls: ToolCall[]
  turnId: number
  column: number
  /** Still being written. */
  busy: boolean
  /** Sends the results; absent where something has been said since. */
  onSend?: (() => void) | undefined
  /** Why they cannot be sent yet. */
  missing: boolean
}

export function Calls({ calls, turnId, column, busy, onSend, missing }: Props) {
  const t = useT()
  const words = t.asking.call
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing || event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
    event.preventDefault()
    if (!missing) onSend?.()
  }
  return (
    <div className={styles.calls}>
      {calls.map((call, index) => (
        <section key={index} className={styles.call} aria-label={words.of({ name: harmless(call.name) })}>
          <p className={styles.name}>
            <span aria-hidden="true" className={styles.sign}>
              ƒ
            </span>
            <code>{harmless(call.name)}</code>
          </p>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long arguments scroll, also by keyboard */}
          <pre className={styles.arguments} tabIndex={0}>
            {harmless(busy ? call.arguments : pretty(call.arguments))}
          </pre>
          {!busy && (
            <Field label={words.resultOf({ name: harmless(call.name) })}>
              {(tied) => (
                <textarea
                  {...tied}
                  rows={2}
                  spellCheck={false}
                  className={styles.result}
                  placeholder={words.placeholder}
                  value={call.result ?? ''}
                  onChange={(event) => setResult(turnId, column, index, event.target.value)}
                  onKeyDown={onKeyDown}
                />
              )}
            </Field>
          )}
        </section>
      ))}
      {onSend && !busy && (
        <div>
          <Button kind="main" small disabledReason={missing ? words.missing : undefined} onClick={onSend}>
            {words.send}
          </Button>
        </div>
      )}
    </div>
  )
}
