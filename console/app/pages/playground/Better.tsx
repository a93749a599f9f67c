/** Which of the answers is better: one press writes the comparison into a draft, another takes it back. */
import { type ReactNode, useState } from 'react'
import { Link } from 'react-router'
import { removeRows, type Saving, saveRows } from '@/api/drafts'
import { type Messages, useT } from '@/i18n'
import { count } from '@/lib/number'
import { rowFaults } from '@/lib/rowFaults'
import { usualDraft } from '@/parts/DraftChoice'
import { draftSentence, faultSentence, useDrafts, useFewest } from '@/parts/useDrafts'
import { paths } from '@/paths'
import { Button } from '@/ui/Button'
import { Menu } from '@/ui/Menu'
import styles from './Better.module.css'
import { BetterDraft } from './BetterDraft'
import type { Answer, Turn } from './conversation'
import { type Choice, choiceOf, comparisons, letterOf, sameTalk } from './saving'
import { current } from './store'

type Said = { letter: string; saving: Saving; note: string | null }

export default function Better({ turn, columns }: { turn: Turn & { role: 'assistant' }; columns: number }) {
  const t = useT()
  const words = t.drafts.better
  const { data: drafts } = useDrafts()
  const [chosen, setChosen] = useState<string | null>(null)
  const [choosing, setChoosing] = useState(false)
  const [said, setSaid] = useState<Said | string | null>(null)
  const [failed, setFailed] = useState<string | null>(null)
  const answers = Array.from({ length: columns }, (_, column): Answer | null => turn.answers[column] ?? null)
  const draft = chosen ?? usualDraft(drafts ?? [], 'dpo', t.drafts.defaultNames.dpo)

  const save = async (column: number, rivals: number[]) => {
    const letter = letterOf(column)
    const rows = comparisons(current(), turn.id, column, rivals)
    const [fault] = rows.flatMap(rowFaults)
    setSaid(null)
    setFailed(fault ? faultSentence(fault, t) : null)
    if (fault) return
    try {
      const saving = await saveRows(draft, rows)
      const note = sameTalk(current(), turn.id, [column, ...rivals]) ? null : words.otherTalk({ letter })
      setSaid({ letter, saving, note })
      setChosen(null) // from now on it is the newest, wherever it is renamed to
    } catch (error) {
      setFailed(draftSentence(error, t))
    }
  }
  const undo = async (saving: Saving) => {
    try {
      await removeRows(saving.ids)
      setSaid(words.takenBack)
    } catch (error) {
      setFailed(draftSentence(error, t))
    }
  }
  return (
    <div className={styles.better} role="group" aria-label={words.legend}>
      <div className={styles.bar}>
        <span className={styles.legend}>{words.legend}</span>
        {answers.map((_, column) => (
          <Pick key={column} column={column} choice={choiceOf(answers, column)} t={t} onPick={save} />
        ))}
        <span className={styles.into}>
          {words.into}{' '}
          <Button
            small
            kind="quiet"
            icon="edit"
            aria-label={`${words.change}: ${draft}`}
            onClick={() => setChoosing(true)}
          >
            {draft}
          </Button>
        </span>
      </div>
      <div role="status" className={styles.said}>
        {said && (typeof said === 'string' ? said : <Done said={said} onUndo={() => undo(said.saving)} />)}
      </div>
      {failed && (
        <p role="alert" className={styles.failed}>
          {failed}
        </p>
      )}
      {choosing && (
        <BetterDraft
          drafts={drafts ?? []}
          value={draft}
          onChoose={setChosen}
          onClose={() => setChoosing(false)}
        />
      )}
    </div>
  )
}

type PickProps = {
  column: number
  choice: Choice
  t: Messages
  onPick: (column: number, rivals: number[]) => void
}

/** A button; where it can be better than two, a menu of whom. */
function Pick({ column, choice: { rivals, whyNot }, t, onPick }: PickProps) {
  const words = t.drafts.better
  const letter = letterOf(column)
  const label = words.is({ letter })
  let button: ReactNode
  if (rivals.length > 1) {
    const letters = rivals.map(letterOf)
    button = (
      <Menu
        label={label}
        icon="down"
        small
        items={[
          {
            label: words.thanAll({ letters: letters.join(words.and), rows: rivals.length }),
            onSelect: () => onPick(column, rivals),
          },
          ...rivals.map((rival) => ({
            label: words.than({ letters: letterOf(rival) }),
            onSelect: () => onPick(column, [rival]),
          })),
        ]}
      >
        {label}
      </Menu>
    )
  } else {
    const reasons = {
      busy: t.drafts.busy,
      nobody: words.nobody({ letter }),
      unanswered: words.unanswered,
      same: words.same,
    }
    button = (
      <Button
        small
        disabledReason={whyNot ? reasons[whyNot] : undefined}
        onClick={() => onPick(column, rivals)}
      >
        {label}
      </Button>
    )
  }
  return <span data-better={column}>{button}</span>
}

function Done({ said: { letter, saving, note }, onUndo }: { said: Said; onUndo: () => void }) {
  const t = useT()
  const fewest = useFewest()
  const { draft, rows } = saving
  return (
    <>
      <span>
        {t.drafts.better.done({ letter })}{' '}
        {rows < fewest
          ? t.drafts.savedNeeds({ draft, rows: count(rows), fewest: count(fewest) })
          : t.drafts.saved({ draft, count: rows, text: count(rows) })}
      </span>
      {note && <span className="quiet">{note}</span>}
      <Button small onClick={onUndo}>
        {t.drafts.undo}
      </Button>
      <Link to={paths.draft(draft)}>{t.drafts.open}</Link>
    </>
  )
}
