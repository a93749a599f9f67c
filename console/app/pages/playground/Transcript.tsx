/** The conversation, turn by turn; the answers to one turn stand side by side. */
import { memo, useCallback, useState } from 'react'
import { useT } from '@/i18n'
import { harmless } from '@/lib/visible'
import { Button } from '@/ui/Button'
import { AnswerView } from './AnswerView'
import { contentOf, isBusy, type Turn } from './conversation'
import { EditBox } from './EditBox'
import { answerAfter, edit, type How, regenerate, remove } from './session'
import styles from './Transcript.module.css'

type Shared = { models: string[]; how: How; coloured: boolean }

export function Transcript({ turns, ...shared }: Shared & { turns: Turn[] }) {
  const t = useT()
  return (
    <ol className={styles.transcript} aria-label={t.playground.conversation}>
      {turns.map((turn) => (
        <li key={turn.id}>
          {turn.role === 'user' ? <UserTurn turn={turn} {...shared} /> : <Answers turn={turn} {...shared} />}
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
}: Shared & { turn: Turn & { role: 'assistant' } }) {
  const t = useT()
  const [editing, setEditing] = useState<number | null>(null)
  const who = t.playground.assistant
  const several = models.length > 1
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
          const answer = turn.answers[column] ?? null
          return editing === column && answer ? (
            <EditBox
              key={column}
              text={contentOf(answer)}
              label={t.playground.editThis({ who: answer.model || model })}
              onSave={(text) => {
                edit(turn.id, column, text)
                setEditing(null)
              }}
              onCancel={() => setEditing(null)}
            />
          ) : (
            <AnswerView
              key={column}
              answer={answer}
              model={model}
              column={column}
              named={several}
              coloured={coloured}
              onEdit={setEditing}
              onRegenerate={again}
            />
          )
        })}
      </div>
    </div>
  )
})
