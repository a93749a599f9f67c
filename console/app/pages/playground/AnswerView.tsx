/** One model's answer: its text as text, how fast it came, and what can be done with it. */
import { memo, useMemo } from 'react'
import { ApiError } from '@/api/errors'
import { type Messages, useT } from '@/i18n'
import { count, duration } from '@/lib/number'
import { harmless } from '@/lib/visible'
import { LogprobText } from '@/parts/LogprobText'
import { Problem } from '@/parts/Problem'
import { Button } from '@/ui/Button'
import { CopyButton } from '@/ui/CopyButton'
import { type Answer, contentOf, isBusy, speedOf } from './conversation'
import styles from './Transcript.module.css'

type Props = {
  answer: Answer | null
  model: string
  column: number
  /** The model is named above its answer: there are several. */
  named: boolean
  coloured: boolean
  onEdit: (column: number) => void
  onRegenerate: (column: number) => void
}

export const AnswerView = memo(function AnswerView({
  answer,
  model,
  column,
  named,
  coloured,
  onEdit,
  onRegenerate,
}: Props) {
  const t = useT()
  const who = answer?.model || model
  const content = answer ? contentOf(answer) : ''
  const busy = isBusy(answer)
  const failure = useMemo(() => {
    const fault = answer?.fault
    return fault ? new ApiError(fault.message, fault.status, fault.code, fault.param, fault.requestId) : null
  }, [answer?.fault])
  return (
    <article className={styles.answer} data-column={column} tabIndex={-1} aria-busy={busy} aria-label={who}>
      {named && <p className={styles.who}>{who}</p>}
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
      {answer && coloured && answer.tokens.length > 0 && !busy ? (
        <LogprobText tokens={answer.tokens} label={t.playground.logprob.text({ model: who })} />
      ) : (
        content && (
          <div className={styles.text} data-running={busy || undefined}>
            {harmless(content)}
          </div>
        )
      )}
      {coloured && answer && !busy && content && !answer.tokens.length && !answer.edited && (
        <p className={styles.aside}>{t.playground.logprob.none}</p>
      )}
      {failure && <Problem error={failure} onRetry={() => onRegenerate(column)} />}
      {answer && !busy && (
        <div className={styles.foot}>
          <Facts answer={answer} t={t} />
          <span className={styles.tools}>
            {content && <CopyButton text={content} what={t.playground.copyAnswer} />}
            <Button
              kind="quiet"
              small
              icon="edit"
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
    </article>
  )
})

function Thinking() {
  const t = useT()
  return (
    <p className={styles.thinking}>
      <span className={styles.dots} aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      <span className="hidden-text">{t.playground.thinking}</span>
      <span className={styles.patience}>{t.playground.loading}</span>
    </p>
  )
}

function Facts({ answer, t }: { answer: Answer; t: Messages }) {
  const { usage, firstMs, alone, state, finish, edited } = answer
  const speed = speedOf(answer)
  const words = t.playground
  return (
    <p className={styles.facts}>
      {edited && <span>{words.edited}</span>}
      {state === 'stopped' && <span>{words.stopped}</span>}
      {finish === 'length' && <span>{words.cutAtLimit}</span>}
      {usage && (
        <span>
          {words.tokens({ count: count(usage.completion_tokens) })} (
          {words.promptTokens({ count: count(usage.prompt_tokens) })})
        </span>
      )}
      {firstMs !== null && <span>{words.firstToken({ ms: short(firstMs) })}</span>}
      {speed !== null && <span>{words.speed({ speed: count(Math.round(speed * 10) / 10) })}</span>}
      {firstMs !== null && !alone && (
        <span className={styles.shared} title={words.sharedHint}>
          {words.shared}
        </span>
      )}
    </p>
  )
}

const short = (ms: number): string =>
  ms < 1000 ? `${Math.round(ms)} ms` : ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : duration(ms / 1000)
