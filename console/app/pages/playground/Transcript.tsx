/** The conversation, turn by turn; the answers to one turn stand side by side. */
import { memo, useCallback, useState } from 'react'
import { useT } from '@/i18n'
import { harmless } from '@/lib/visible'
import { Button } from '@/ui/Button'
import { AnswerView } from './AnswerView'
import { Better } from './Better'
import { edit, remove } from './changes'
import { calling, isBusy, type Turn } from './conversation'
import { EditBox } from './EditBox'
import { answer, answerAfter, type How, regenerate } from './session'
import styles from './Transcript.module.css'
import { useDifferences } from './useDifferences'
import { useSaveKeys } from './useSaveKeys'

type Shared = { models: string[]; how: How; coloured: boolean; differing: boolean }

export function Transcript({ turns, ...shared }: Shared & { turns: Turn[] }) {
  const t = useT()
  useSaveKeys()
  return (
    <ol className={styles.transcript} aria-label={t.playground.conversation}>
      {turns.map((turn, index) => (
        <li key={turn.id}>
          {turn.role === 'user' ? (
            <UserTurn turn={turn} {...shared} />
          ) : (
            <Answers turn={turn} isLast={index === turns.length - 1} {...shared} />
          )}
        </li>
      ))}
    </ol>
  )
}

const UserTurn = memo(function UserTurn({ turn, models, how }: Shared & { turn: Turn & { role: 'user' } }) {
  const t = useT()
  const [editing, setEditing] = useState(false)
  const who = t.playground.user
  const save = (text: string) => {
    edit(turn.id, 0, text)
    setEditing(false)
  }
  return (
    <div className={styles.user}>
      <div className={styles.head}>
        <span className={styles.role}>{who}</span>
        <span className={styles.tools}>
          <Button
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
          text={turn.text}
          label={t.playground.editThis({ who })}
          onSave={save}
          onSaveAndAnswer={(text) => {
            save(text)
            answerAfter(turn.id, models, how)
          }}
          onCancel={() => setEditing(false)}
        />
      ) : (
        <div className={styles.text}>{harmless(turn.text)}</div>
      )}
    </div>
  )
})

const Answers = memo(function Answers({
  turn,
  models,
  how,
  coloured,
  differing,
  isLast,
}: Shared & { turn: Turn & { role: 'assistant' }; isLast: boolean }) {
  const t = useT()
  const [editing, setEditing] = useState<number | null>(null)
  const who = t.playground.assistant
  const several = models.length > 1
  const parted = useDifferences(turn, models.length, differing)
  const calls = calling([turn])
  const results = useCallback(() => answer(models, how), [models, how])
  const again = useCallback((only: number) => regenerate(turn.id, models, how, only), [turn.id, models, how])
  return (
    <div className={styles.answers}>
      <div className={styles.head}>
        <span className={styles.role}>{who}</span>
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
      <div className={styles.columns} data-columns={models.length}>
        {models.map((model, column) => {
          const found = turn.answers[column] ?? null
          return editing === column && found ? (
            <EditBox
              key={column}
              text={found.text}
              label={t.playground.editThis({ who: found.model || model })}
              onSave={(text) => {
                edit(turn.id, column, text)
                setEditing(null)
              }}
              onCancel={() => setEditing(null)}
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
              onEdit={setEditing}
              onRegenerate={again}
            />
          )
        })}
      </div>
      {parted && <p className={styles.parted}>{parted.note}</p>}
      {several && <Better turn={turn} columns={models.length} />}
    </div>
  )
})
