/** The conversation, turn by turn; the answers to one turn stand side by side. */
import { lazy, memo, Suspense, useCallback, useRef, useState } from 'react'
import { flushSync } from 'react-dom'
import { useT } from '@/i18n'
import { count } from '@/lib/number'
import { harmless } from '@/lib/visible'
import { Button } from '@/ui/Button'
import { AnswerView } from './AnswerView'
import { edit, editOf, remove } from './changes'
import { calling, isBusy, type Turn } from './conversation'
import { EditBox } from './EditBox'
import { answer, answerAfter, type How, regenerate } from './session'
import styles from './Transcript.module.css'
import { useDifferences } from './useDifferences'
import { useSaveKeys } from './useSaveKeys'

const Better = lazy(() => import('./Better'))

type Numbered = { number: number }
type Shared = { models: string[]; how: How; coloured: boolean; differing: boolean }

/** `columnsGone`: with each, what is open in an answer begins anew, in its new place. */
export function Transcript({
  turns,
  columnsGone,
  ...shared
}: Shared & { turns: Turn[]; columnsGone: number }) {
  const t = useT()
  useSaveKeys()
  return (
    <ol className={styles.transcript} aria-label={t.playground.conversation}>
      {turns.map((turn, index) => (
        <li key={turn.id}>
          {turn.role === 'user' ? (
            <UserTurn turn={turn} number={index + 1} {...shared} />
          ) : (
            <Answers
              key={columnsGone}
              turn={turn}
              number={index + 1}
              isLast={index === turns.length - 1}
              {...shared}
            />
          )}
        </li>
      ))}
    </ol>
  )
}

const UserTurn = memo(function UserTurn({
  turn,
  number,
  models,
  how,
}: Shared & Numbered & { turn: Turn & { role: 'user' } }) {
  const t = useT()
  const [editing, setEditing] = useState(() => editOf(turn.id) !== null)
  const pencil = useRef<HTMLButtonElement>(null)
  const close = () => {
    setEditing(false)
    pencil.current?.focus()
  }
  const who = t.playground.user
  const save = (text: string) => {
    edit(turn.id, 0, text)
    close()
  }
  return (
    <div className={styles.user}>
      <div className={styles.head}>
        <Role who={who} number={number} />
        <span className={styles.tools}>
          <Button
            ref={pencil}
            kind="quiet"
            small
            icon="edit"
            aria-label={t.playground.editThis({ who })}
            onClick={() => setEditing(true)}
          />
          <Button
            kind="quiet"
            small
            icon="close"
            aria-label={t.playground.removeThis({ who })}
            onClick={() => remove(turn.id)}
          />
        </span>
      </div>
      {editing ? (
        <EditBox
          turnId={turn.id}
          text={turn.text}
          label={t.playground.editThis({ who })}
          onSave={save}
          onSaveAndAnswer={(text) => {
            save(text)
            answerAfter(turn.id, models, how)
          }}
          onCancel={close}
        />
      ) : (
        <div className={styles.text}>{harmless(turn.text)}</div>
      )}
    </div>
  )
})

const Answers = memo(function Answers({
  turn,
  number,
  models,
  how,
  coloured,
  differing,
  isLast,
}: Shared & Numbered & { turn: Turn & { role: 'assistant' }; isLast: boolean }) {
  const t = useT()
  const columns = useRef<HTMLDivElement>(null)
  const [editing, setEditing] = useState<number[]>(() =>
    [...turn.answers.keys()].filter((column) => editOf(turn.id, column) !== null),
  )
  const open = useCallback((column: number) => setEditing((before) => [...before, column]), [])
  const close = (column: number) => {
    flushSync(() => setEditing((before) => before.filter((one) => one !== column)))
    columns.current?.querySelector<HTMLElement>(`[data-column="${column}"] [data-edit]`)?.focus()
  }
  const who = t.playground.assistant
  const several = models.length > 1
  const parted = useDifferences(turn, models.length, differing)
  const calls = calling([turn])
  const results = useCallback(() => answer(models, how), [models, how])
  const again = useCallback((only: number) => regenerate(turn.id, models, how, only), [turn.id, models, how])
  return (
    <div className={styles.answers}>
      <div className={styles.head}>
        <Role who={who} number={number} />
        <span className={styles.tools}>
          {several && (
            <Button
              kind="quiet"
              small
              icon="again"
              aria-label={t.playground.regenerateThis({ who: t.playground.title })}
              disabledReason={turn.answers.some(isBusy) ? t.playground.thinking : undefined}
              onClick={() => regenerate(turn.id, models, how)}
            />
          )}
          <Button
            kind="quiet"
            small
            icon="close"
            aria-label={t.playground.removeThis({ who })}
            onClick={() => remove(turn.id)}
          />
        </span>
      </div>
      <div ref={columns} className={styles.columns} data-columns={models.length}>
        {models.map((model, column) => {
          const found = turn.answers[column] ?? null
          return editing.includes(column) && found ? (
            <EditBox
              key={column}
              turnId={turn.id}
              column={column}
              text={found.text}
              label={t.playground.editThis({ who: found.model || model })}
              onSave={(text) => {
                edit(turn.id, column, text)
                close(column)
              }}
              onCancel={() => close(column)}
            />
          ) : (
            <AnswerView
              key={column}
              answer={found}
              model={model}
              column={column}
              named={several}
              coloured={coloured}
              stretches={parted?.texts[column] ?? null}
              turnId={turn.id}
              models={models}
              how={how}
              onResults={isLast && calls.columns.at(-1) === column ? results : undefined}
              missing={!calls.complete}
              onEdit={open}
              onRegenerate={again}
            />
          )
        })}
      </div>
      {parted && <p className={styles.parted}>{parted.note}</p>}
      {several && (
        <Suspense fallback={null}>
          <Better turn={turn} columns={models.length} />
        </Suspense>
      )}
    </div>
  )
})

/** Turns have numbers: what is said of one can be found. */
function Role({ who, number }: Numbered & { who: string }) {
  return (
    <span className={styles.role}>
      {who} <span className={styles.number}>{count(number)}</span>
    </span>
  )
}
