/** The playground: the same words to one, two or three models, and their answers side by side. */
import { useQuery } from '@tanstack/react-query'
import { useCallback, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import { firstToTry } from '@/api/family'
import { modelsQuery } from '@/api/models'
import { isDialogOpen, isShortcut, useKeys } from '@/frame/keys'
import { Page } from '@/frame/Page'
import { useT } from '@/i18n'
import { asked, isGood, MOST_COLUMNS, NO_PARAMETERS, NUMBER_NAMES } from '@/lib/chatParameters'
import { askedShape, shapeFaults } from '@/lib/chatShape'
import type { Prompt } from '@/lib/promptLink'
import { LogprobLegend } from '@/parts/LogprobText'
import { Problem } from '@/parts/Problem'
import { Button } from '@/ui/Button'
import { ArrivedPrompt } from './ArrivedPrompt'
import { ChatCode } from './ChatCode'
import { ColumnParameters } from './ColumnParameters'
import { Columns } from './Columns'
import { Composer, keepDraft } from './Composer'
import { fill, setShape, setSystem, stop } from './changes'
import { calling, isBusy } from './conversation'
import styles from './Playground.module.css'
import { ShapeFields } from './ShapeFields'
import { Starters, useExamples } from './Starters'
import { SystemPrompt } from './SystemPrompt'
import { add, answer, clear, current, type How, send, subscribe } from './session'
import { useSpreading } from './spread'
import { Transcript } from './Transcript'
import { useArrived, useCopyLink } from './usePromptLink'
import { useCovering, useFollow, useSpoken } from './useReading'
import { useSetup } from './useSetup'

export function Playground() {
  const t = useT()
  const conversation = useSyncExternalStore(subscribe, current)
  const { data, error, refetch } = useQuery(modelsQuery())
  const setup = useSetup(data && firstToTry(data.data))
  const { models, parameters, apart } = setup
  const { shape, systems } = conversation
  const columns = Math.max(1, models.length)
  const how: How = useMemo(
    () => ({
      asked: (column) => ({ ...asked(parameters[column] ?? NO_PARAMETERS), ...askedShape(shape) }),
      apart,
    }),
    [parameters, shape, apart],
  )
  const { examples, heldOut, trained } = useExamples(models)
  const [showsCode, setShowsCode] = useState(false)
  const field = useRef<HTMLTextAreaElement>(null)
  const bar = useRef<HTMLDivElement>(null)
  useCovering(bar)
  const busy = conversation.turns.some((turn) => turn.role === 'assistant' && turn.answers.some(isBusy))
  const spoken = useSpoken(conversation.turns)
  useFollow(conversation.turns, busy)
  const spreading = useSpreading()
  useAnswerKeys(busy || spreading)
  const [filled, setFilled] = useState(0)
  const compose = (draft: string) => {
    keepDraft(draft)
    setFilled((before) => before + 1) // another composer, with that draft
  }
  const take = (prompt: Prompt) => compose(fill(prompt, columns))
  const arrived = useArrived(take)
  const copyLink = useCopyLink()

  const calls = calling(conversation.turns)
  const faults = useMemo(() => shapeFaults(shape), [shape])
  const blocked = !(models.length && models.every(Boolean))
    ? t.playground.noModel
    : parameters.some(({ numbers }) => NUMBER_NAMES.some((name) => !isGood(name, numbers[name])))
      ? t.playground.wrongParameter
      : faults.tools
        ? t.asking.shape.wrongTools
        : faults.schema
          ? t.asking.shape.wrongSchema
          : calls.complete
            ? undefined
            : t.asking.call.missing
  const last = conversation.turns.at(-1)
  // answers are drawn many times a second: what they do not touch keeps its callbacks
  const ask = useCallback(
    (text: string) => (text ? send(text, models, how) : answer(models, how)),
    [models, how],
  )
  const put = useCallback(
    (role: 'user' | 'assistant', text: string) => add(role, text, models.length),
    [models.length],
  )
  const isEmpty = !conversation.turns.length
  const logprobs = parameters[0]?.logprobs ?? false
  const { system } = conversation
  const texts = useMemo(
    () => (systems ? Array.from({ length: columns }, (_, at) => systems[at] ?? system) : [system]),
    [system, systems, columns],
  )
  return (
    <Page
      title={t.playground.title}
      lead={t.playground.lead}
      actions={
        <>
          <Button icon="code" onClick={() => setShowsCode(true)}>
            {t.playground.code}
          </Button>
          <Button icon="copy" onClick={() => copyLink(field.current?.value.trim() ?? '')}>
            {t.asking.link.copy}
          </Button>
          <Button
            onClick={() => {
              clear()
              field.current?.focus()
            }}
            disabledReason={isEmpty ? t.playground.nothingToClear : undefined}
          >
            {t.playground.clear}
          </Button>
        </>
      }
    >
      {error && <Problem error={error} onRetry={refetch} />}
      {arrived && <ArrivedPrompt {...arrived} onTake={take} />}
      <div className={styles.page}>
        <div className={styles.main}>
          <Columns {...setup} />
          <SystemPrompt
            texts={texts}
            shared={!systems || columns === 1}
            columns={columns}
            trained={trained}
          />
          {conversation.turns.length ? (
            <Transcript
              turns={conversation.turns}
              columnsGone={conversation.columnsGone}
              models={models}
              how={how}
              coloured={logprobs}
              differing={setup.differing && models.length > 1}
            />
          ) : (
            <Starters
              examples={examples}
              heldOut={heldOut}
              onTake={({ question, system }) => {
                if (system && !systems && !conversation.system) setSystem(system)
                if (blocked) compose(question)
                else send(question, models, how)
              }}
            />
          )}
          {logprobs && <LogprobLegend />}
          <div ref={bar} className={styles.composer}>
            <Composer
              key={filled}
              field={field}
              busy={busy}
              unanswered={last?.role === 'user' || calls.columns.length > 0}
              blocked={blocked}
              onSend={ask}
              onAdd={put}
              onStop={stop}
            />
          </div>
        </div>
        <details className={styles.side} open={isWide()}>
          <summary>
            <h2>{t.playground.parameters}</h2>
          </summary>
          <ColumnParameters {...setup} />
          <ShapeFields shape={shape} onChange={setShape} />
        </details>
      </div>
      <p role="status" className="hidden-text">
        {spoken}
      </p>
      {showsCode && (
        <ChatCode
          conversation={conversation}
          models={models}
          asked={how.asked}
          draft={field.current?.value.trim() ?? ''}
          onClose={() => setShowsCode(false)}
        />
      )}
    </Page>
  )
}

/** The parameters stand open beside a wide page and closed below the models of a narrow one. */
const isWide = () => matchMedia('(min-width: 75rem)').matches

/** Esc stops; 1, 2 and 3 lead to a column's newest answer. */
function useAnswerKeys(busy: boolean): void {
  useKeys((event) => {
    if (event.key === 'Escape' && busy && !event.isComposing && !isDialogOpen()) return stop()
    const column = Number(event.key) - 1
    if (!(column >= 0 && column < MOST_COLUMNS) || !isShortcut(event)) return
    const answers = document.querySelectorAll<HTMLElement>(`[data-column="${column}"]`)
    answers[answers.length - 1]?.focus()
  })
}
