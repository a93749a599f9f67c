/** The playground: the same words to one, two or three models, and their answers side by side. */
import { useQuery } from '@tanstack/react-query'
import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import { firstToTry } from '@/api/family'
import { modelsQuery } from '@/api/models'
import { Page } from '@/frame/Page'
import { currentPreferences } from '@/frame/preferences'
import { useT } from '@/i18n'
import { asked, isGood, NUMBER_NAMES } from '@/lib/chatParameters'
import { LogprobLegend } from '@/parts/LogprobText'
import { Problem } from '@/parts/Problem'
import { Button } from '@/ui/Button'
import { Field } from '@/ui/Field'
import { ChatCode } from './ChatCode'
import { Columns } from './Columns'
import { Composer } from './Composer'
import { isBusy, MOST_COLUMNS } from './conversation'
import { Parameters } from './Parameters'
import styles from './Playground.module.css'
import { Starters, useExamples } from './Starters'
import { add, answer, clear, current, type How, send, setSystem, stop, subscribe } from './session'
import { Transcript } from './Transcript'
import { useFollow, useSpoken } from './useReading'
import { useSetup } from './useSetup'

export function Playground() {
  const t = useT()
  const conversation = useSyncExternalStore(subscribe, current)
  const { data, error, refetch } = useQuery(modelsQuery())
  const setup = useSetup(data && firstToTry(data.data))
  const { models, parameters, apart } = setup
  const how: How = useMemo(() => ({ asked: asked(parameters), apart }), [parameters, apart])
  const { examples, heldOut, system: trainedSystem } = useExamples(models)
  const [showsCode, setShowsCode] = useState(false)
  const field = useRef<HTMLTextAreaElement>(null)
  const busy = conversation.turns.some((turn) => turn.role === 'assistant' && turn.answers.some(isBusy))
  const spoken = useSpoken(conversation.turns)
  useFollow(conversation.turns, busy)
  useKeys(busy)

  const wrong = NUMBER_NAMES.some((name) => !isGood(name, parameters.numbers[name]))
  const blocked =
    models.length && models.every(Boolean)
      ? wrong
        ? t.playground.wrongParameter
        : undefined
      : t.playground.noModel
  const last = conversation.turns.at(-1)
  return (
    <Page
      title={t.playground.title}
      lead={t.playground.lead}
      actions={
        <>
          <Button icon="code" onClick={() => setShowsCode(true)}>
            {t.playground.code}
          </Button>
          <Button
            onClick={() => {
              clear()
              field.current?.focus()
            }}
            disabledReason={conversation.turns.length ? undefined : t.playground.nothingToClear}
          >
            {t.playground.clear}
          </Button>
        </>
      }
    >
      {error && <Problem error={error} onRetry={refetch} />}
      <div className={styles.page}>
        <div className={styles.main}>
          <Columns {...setup} />
          <SystemPrompt
            value={conversation.system}
            trained={trainedSystem && trainedSystem !== conversation.system ? trainedSystem : null}
          />
          {conversation.turns.length ? (
            <Transcript turns={conversation.turns} models={models} how={how} coloured={parameters.logprobs} />
          ) : (
            <Starters
              examples={examples}
              heldOut={heldOut}
              onTake={({ question, system }) => {
                if (system && !conversation.system) setSystem(system)
                if (!blocked) send(question, models, how)
              }}
            />
          )}
          {parameters.logprobs && <LogprobLegend />}
          <div className={styles.composer}>
            <Composer
              field={field}
              busy={busy}
              unanswered={last?.role === 'user'}
              blocked={blocked}
              onSend={(text) => (text ? send(text, models, how) : answer(models, how))}
              onAdd={(role, text) => add(role, text, models.length)}
              onStop={stop}
            />
          </div>
        </div>
        <details className={styles.side} open={isWide()}>
          <summary>
            <h2>{t.playground.parameters}</h2>
          </summary>
          <Parameters parameters={parameters} onChange={setup.setParameters} />
        </details>
      </div>
      <p role="status" className="hidden-text">
        {spoken}
      </p>
      {showsCode && (
        <ChatCode
          conversation={conversation}
          models={models}
          parameters={parameters}
          draft={field.current?.value.trim() ?? ''}
          onClose={() => setShowsCode(false)}
        />
      )}
    </Page>
  )
}

/** The parameters stand open beside a wide page and closed below the models of a narrow one. */
const isWide = () => matchMedia('(min-width: 75rem)').matches

function SystemPrompt({ value, trained }: { value: string; trained: string | null }) {
  const t = useT()
  return (
    <div className={styles.system}>
      <Field label={t.playground.system}>
        {(tied) => (
          <textarea
            {...tied}
            rows={1}
            className={styles.systemField}
            placeholder={t.playground.systemEmpty}
            value={value}
            onChange={(event) => setSystem(event.target.value)}
          />
        )}
      </Field>
      {trained && (
        <Button small onClick={() => setSystem(trained)}>
          {t.playground.trainedSystem}
        </Button>
      )}
    </div>
  )
}

/** Esc stops; 1, 2 and 3 lead to a column's newest answer. */
function useKeys(busy: boolean): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing || document.querySelector('dialog[open]')) return
      if (event.key === 'Escape' && busy) return stop()
      const column = Number(event.key) - 1
      const typing = (event.target as HTMLElement).closest('input, textarea, select')
      if (typing || !currentPreferences().shortcuts || event.ctrlKey || event.metaKey || event.altKey) return
      if (!(column >= 0 && column < MOST_COLUMNS)) return
      const answers = document.querySelectorAll<HTMLElement>(`[data-column="${column}"]`)
      answers[answers.length - 1]?.focus()
    }
    addEventListener('keydown', onKeyDown)
    return () => removeEventListener('keydown', onKeyDown)
  }, [busy])
}
