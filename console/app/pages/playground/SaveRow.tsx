/** An answer on its way into a draft: what was asked, the answer to correct first, and where it goes. */
import { useState } from 'react'
import { type Draft, saveRows } from '@/api/drafts'
import { useT } from '@/i18n'
import {
  type DraftRow,
  isSame,
  type Kind,
  preferenceRow,
  type RowMessage,
  replyOf,
  supervisedRow,
} from '@/lib/drafts'
import { count } from '@/lib/number'
import { rowFaults } from '@/lib/rowFaults'
import { DraftChoice, usualDraft } from '@/parts/DraftChoice'
import { RowMessages } from '@/parts/RowMessages'
import { draftSentence, faultSentence, useDrafts, useFewest } from '@/parts/useDrafts'
import { Button } from '@/ui/Button'
import { Dialog } from '@/ui/Dialog'
import { Field, Segments } from '@/ui/Field'
import { Icon } from '@/ui/Icon'
import { toast } from '@/ui/Toast'
import type { Answer } from './conversation'
import styles from './SaveRow.module.css'
import { type Asked, askedBefore, isCut } from './saving'
import { current } from './store'

type Props = { answer: Answer; turnId: number; column: number; onClose: () => void }

export default function SaveRow({ answer, turnId, column, onClose }: Props) {
  const { data: drafts, error } = useDrafts()
  // as it was when it was judged, whatever happens behind the dialog
  const [asked] = useState(() => askedBefore(current(), turnId, column))
  return drafts || error ? (
    <Shown drafts={drafts ?? []} asked={asked} answer={answer} onClose={onClose} />
  ) : null
}

type ShownProps = { drafts: readonly Draft[]; asked: Asked; answer: Answer; onClose: () => void }

function Shown({ drafts, asked: { before, tools }, answer, onClose }: ShownProps) {
  const t = useT()
  const fewest = useFewest()
  const original = replyOf(answer)
  const [text, setText] = useState(answer.text)
  const [given, setGiven] = useState(answer.calls.map((call) => call.arguments))
  const [kind, setKind] = useState<Kind>('supervised')
  const [names, setNames] = useState<Partial<Record<Kind, string>>>({})
  const [problem, setProblem] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)
  const reply = replyOf({
    text,
    calls: answer.calls.map((call, index) => ({ ...call, arguments: given[index] ?? '' })),
  })
  const isChanged = !isSame(reply, original)
  const name = names[kind] ?? usualDraft(drafts, kind, t.drafts.defaultNames[kind])
  const mayClose = () => busy || !isChanged || confirm(t.drafts.form.discard)
  const submit = async () => {
    if (busy) return
    const row = rowOf(kind, before, reply, original, tools)
    const [fault] = rowFaults(row)
    if (fault) return setProblem(faultSentence(fault, t))
    setBusy(true)
    setProblem(null)
    try {
      const { draft, rows } = await saveRows(name, [row])
      toast(
        rows < fewest
          ? t.drafts.savedNeeds({ draft, rows: count(rows), fewest: count(fewest) })
          : t.drafts.saved({ draft, count: rows, text: count(rows) }),
      )
      onClose()
    } catch (error) {
      setProblem(draftSentence(error, t))
      setBusy(false)
    }
  }
  return (
    <Dialog
      title={t.drafts.saveAsRow}
      onClose={onClose}
      mayClose={mayClose}
      onConfirm={submit}
      footer={
        <>
          <Button onClick={() => mayClose() && onClose()}>{t.shared.cancel}</Button>
          <Button kind="main" busy={busy} onClick={submit}>
            {t.drafts.save}
          </Button>
        </>
      }
    >
      <div className={styles.form}>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long conversation scrolls, also by keyboard */}
        <section className={styles.asked} aria-label={t.drafts.conversation} tabIndex={0}>
          {before.length ? <RowMessages messages={before} /> : <p>{t.drafts.nothingAsked}</p>}
          {tools.length > 0 && (
            <p className="quiet">
              {t.drafts.tools({
                count: tools.length,
                names: tools.map((tool) => tool.function.name).join(', '),
              })}
            </p>
          )}
        </section>
        {isCut(answer) && text === answer.text && (
          <p className={styles.warning}>
            <Icon name="warn" /> {t.drafts.cut}
          </p>
        )}
        {(answer.text || !answer.calls.length) && (
          <Field label={t.drafts.answer} hint={t.drafts.answerHint}>
            {(tied) => (
              <textarea
                {...tied}
                className={styles.answer}
                value={text}
                onChange={(event) => {
                  setText(event.target.value)
                  setProblem(null)
                }}
              />
            )}
          </Field>
        )}
        {answer.calls.map((call, index) => (
          <Field key={index} label={t.drafts.arguments({ name: call.name })}>
            {(tied) => (
              <textarea
                {...tied}
                spellCheck={false}
                className={`${styles.answer} mono`}
                value={given[index]}
                onChange={(event) => setGiven(given.with(index, event.target.value))}
              />
            )}
          </Field>
        ))}
        <Segments
          legend={t.drafts.as}
          value={kind}
          options={[
            { value: 'supervised', label: t.drafts.asAnswer },
            {
              value: 'dpo',
              label: t.drafts.asComparison,
              disabledReason: isChanged ? undefined : t.drafts.unchanged,
            },
          ]}
          onChange={setKind}
        />
        {kind === 'dpo' && <p className="quiet">{t.drafts.asComparisonHint}</p>}
        <DraftChoice
          key={kind}
          drafts={drafts}
          kind={kind}
          value={name}
          onChange={(changed) => setNames({ ...names, [kind]: changed })}
        />
        {problem && (
          <p role="alert" className={styles.problem}>
            <Icon name="warn" /> {problem}
          </p>
        )}
      </div>
    </Dialog>
  )
}

function rowOf(
  kind: Kind,
  before: readonly RowMessage[],
  reply: RowMessage,
  original: RowMessage,
  tools: Asked['tools'],
): DraftRow {
  return kind === 'dpo' ? preferenceRow(before, reply, original, tools) : supervisedRow(before, reply, tools)
}
