/** A row while it is being changed: message by message, or as the JSON that will stand in the file. */
import { useState } from 'react'
import { changeRow, type SavedRow } from '@/api/drafts'
import { useT } from '@/i18n'
import { type DraftRow, kindOf, whole } from '@/lib/drafts'
import { count } from '@/lib/number'
import { parsedRow, rowFaults } from '@/lib/rowFaults'
import { draftSentence, faultSentence } from '@/parts/useDrafts'
import { Button } from '@/ui/Button'
import { Dialog } from '@/ui/Dialog'
import { Field, Segments } from '@/ui/Field'
import { Icon } from '@/ui/Icon'
import { toast } from '@/ui/Toast'
import styles from './Drafts.module.css'
import { RowForm } from './RowForm'

type Props = { number: number; saved: SavedRow; onClose: () => void }
const shown = (row: unknown): string => JSON.stringify(row, null, 2)

export function EditRow({ number, saved, onClose }: Props) {
  const t = useT()
  const words = t.drafts.form
  const [row, setRow] = useState(saved.row)
  /** What is typed as JSON; null while messages are edited. */
  const [json, setJson] = useState<string | null>(null)
  const [problems, setProblems] = useState<string[]>([])
  const kind = kindOf(saved.row)
  const isChanged = json === null ? row !== saved.row : json !== shown(saved.row)

  /** The row as it stands, or what is wrong with it. */
  const read = (): DraftRow | string[] => {
    const found = json === null ? row : parsedRow(json)
    if (found === null) return [words.notJson]
    const faults = rowFaults(found).map((fault) => faultSentence(fault, t))
    if (faults.length) return faults
    return kindOf(found) === kind ? whole(found) : [words.wrongKind]
  }
  const change = (changed: DraftRow) => {
    setRow(changed)
    setProblems([])
  }
  const turn = (to: 'messages' | 'json') => {
    if (to === 'json') return setJson(shown(row))
    const found = json === shown(row) ? row : read()
    if (Array.isArray(found)) return setProblems(found)
    setJson(null)
    change(found)
  }
  const submit = async () => {
    const found = read()
    if (Array.isArray(found)) return setProblems(found)
    try {
      await changeRow(saved.id, found)
      if (isChanged) toast(t.drafts.edited)
      onClose()
    } catch (error) {
      setProblems([draftSentence(error, t)])
    }
  }
  const mayClose = () => !isChanged || confirm(words.discard)
  return (
    <Dialog
      title={words.title({ number: count(number) })}
      wide
      onClose={onClose}
      mayClose={mayClose}
      onConfirm={submit}
      footer={
        <>
          <Button onClick={() => mayClose() && onClose()}>{t.shared.cancel}</Button>
          <Button kind="main" onClick={submit}>
            {t.shared.save}
          </Button>
        </>
      }
    >
      <div className={styles.form}>
        {json === null ? (
          <RowForm row={row} onChange={change} />
        ) : (
          <Field label={words.json}>
            {(tied) => (
              <textarea
                {...tied}
                spellCheck={false}
                className={`${styles.field} mono`}
                value={json}
                onChange={(event) => {
                  setJson(event.target.value)
                  setProblems([])
                }}
              />
            )}
          </Field>
        )}
        {problems.length > 0 && (
          <ul role="alert" className={styles.problems}>
            {problems.map((problem) => (
              <li key={problem}>
                <Icon name="warn" size={14} /> {problem}
              </li>
            ))}
          </ul>
        )}
        <Segments
          legend={words.as}
          value={json === null ? 'messages' : 'json'}
          options={[
            { value: 'messages', label: words.asMessages },
            { value: 'json', label: words.asJson },
          ]}
          onChange={turn}
        />
      </div>
    </Dialog>
  )
}
