/** One model's answer: its text as text, the calls that it made, how fast it came, and what can be done with it. */
import { memo, useEffect, useMemo, useState } from 'react'
import { ApiError } from '@/api/errors'
import { useT } from '@/i18n'
import type { Stretch } from '@/lib/diff'
import { harmless } from '@/lib/visible'
import { LogprobText } from '@/parts/LogprobText'
import { Problem } from '@/parts/Problem'
import { Button } from '@/ui/Button'
import { CopyButton } from '@/ui/CopyButton'
import { Calls } from './Calls'
import { type Answer, contentOf, isBusy, whyNotOn } from './conversation'
import { DiffText } from './DiffText'
import { Facts } from './Facts'
import { SaveButton } from './SaveButton'
import { SpreadOf, useSpreadButton } from './SpreadOf'
import { letterOf } from './saving'
import { goOn, type How } from './session'
import { TooLong } from './TooLong'
import styles from './Transcript.module.css'

type Props = {
  answer: Answer | null
  model: string
  column: number
  /** The model is named above its answer: there are several. */
  named: boolean
  coloured: boolean
  /** Where it parts from the others; null where nothing is compared. */
  stretches: Stretch[] | null
  turnId: number
  models: string[]
  how: How
  /** Sends the results of calls; absent where something has been said since. */
  onResults?: (() => void) | undefined
  /** Some call, of this answer or of another beside it, has no result yet. */
  missing: boolean
  onEdit: (column: number) => void
  onRegenerate: (column: number) => void
}

export const AnswerView = memo(function AnswerView({
  answer,
  model,
  column,
  named,
  coloured,
  stretches,
  turnId,
  models,
  how,
  onResults,
  missing,
  onEdit,
  onRegenerate,
}: Props) {
  const t = useT()
  const who = answer?.model || model
  const text = answer?.text ?? ''
  const content = answer ? contentOf(answer) : ''
  const busy = isBusy(answer)
  const failure = useMemo(() => {
    const fault = answer?.fault
    return fault ? new ApiError(fault.message, fault.status, fault.code, fault.param, fault.requestId) : null
  }, [answer?.fault])
  const isForm = (how.asked(column).response_format ?? null) !== null
  const notOn = answer ? whyNotOn(answer, model, isForm) : false
  const spread = useSpreadButton(turnId, column, model, how, who)
  return (
    <article className={styles.answer} data-column={column} tabIndex={-1} aria-busy={busy} aria-label={who}>
      {named && (
        <p className={styles.who}>
          <b>{letterOf(column)}</b> {who}
        </p>
      )}
      {!answer && (
        <p className={styles.aside}>
          {t.playground.notAsked}{' '}
          <Button small onClick={() => onRegenerate(column)}>
            {t.playground.askNow}
          </Button>
        </p>
      )}
      {answer?.state === 'waiting' && <p className={styles.aside}>{t.playground.waiting}</p>}
      {answer?.state === 'running' && !content && <Thinking />}
      {answer?.state === 'done' && !content && !failure && (
        <p className={styles.aside}>{t.playground.empty}</p>
      )}
      {answer && stretches && !busy ? (
        <DiffText text={stretches} />
      ) : answer && coloured && answer.tokens.length > 0 && !busy ? (
        <LogprobText tokens={answer.tokens} label={t.playground.logprob.text({ model: who })} />
      ) : (
        text && (
          <div className={styles.text} data-running={busy || undefined}>
            {harmless(text)}
          </div>
        )
      )}
      {answer && answer.calls.length > 0 && (
        <Calls
          calls={answer.calls}
          turnId={turnId}
          column={column}
          busy={busy}
          onSend={onResults}
          missing={missing}
        />
      )}
      {coloured && !stretches && answer && !busy && text && !answer.tokens.length && !answer.edited && (
        <p className={styles.aside}>{t.playground.logprob.none}</p>
      )}
      {answer?.fault && <TooLong fault={answer.fault} />}
      {failure && (
        <Problem error={failure} {...(notOn === null ? {} : { onRetry: () => onRegenerate(column) })} />
      )}
      {answer && !busy && (
        <div className={styles.foot}>
          <Facts answer={answer} />
          <span className={styles.tools}>
            {notOn !== false && (
              <Button
                small
                icon="play"
                aria-label={t.asking.goOn.this({ who })}
                disabledReason={
                  notOn === 'form'
                    ? t.asking.goOn.form
                    : notOn === 'other'
                      ? t.asking.goOn.other({ model: answer.model })
                      : undefined
                }
                onClick={() => goOn(turnId, column, models, how)}
              >
                {t.asking.goOn.label}
              </Button>
            )}
            {spread}
            <SaveButton answer={answer} turnId={turnId} column={column} who={who} brief={named} />
            {content && <CopyButton text={content} what={t.playground.copyAnswer} />}
            <Button
              kind="quiet"
              small
              icon="edit"
              data-edit
              aria-label={t.playground.editThis({ who })}
              onClick={() => onEdit(column)}
            />
            <Button
              kind="quiet"
              small
              icon="again"
              aria-label={t.playground.regenerateThis({ who })}
              onClick={() => onRegenerate(column)}
            />
          </span>
        </div>
      )}
      <SpreadOf turnId={turnId} column={column} model={model} how={how} />
    </article>
  )
})

/** Said only to whoever waits longer than usual. */
const LONG_MS = 2_500

function Thinking() {
  const t = useT()
  const [long, setLong] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), LONG_MS)
    return () => clearTimeout(timer)
  }, [])
  return (
    <p className={styles.thinking}>
      <span className={styles.dots} aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      <span className="hidden-text">{t.playground.thinking}</span>
      {long && <span className={styles.patience}>{t.playground.loading}</span>}
    </p>
  )
}
