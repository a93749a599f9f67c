/** The messages of a row as fields; a comparison's two replies below what was asked. */
import { useT } from '@/i18n'
import { callsText, contextOf, type DraftRow, isPreference, type RowMessage } from '@/lib/drafts'
import { count } from '@/lib/number'
import { harmless } from '@/lib/visible'
import { Button } from '@/ui/Button'
import { Field, Select } from '@/ui/Field'
import styles from './Drafts.module.css'

const ROLES = ['system', 'user', 'assistant']

function withContext(row: DraftRow, messages: RowMessage[]): DraftRow {
  return isPreference(row) ? { ...row, input: { ...row.input, messages } } : { ...row, messages }
}

export function RowForm({ row, onChange }: { row: DraftRow; onChange: (row: DraftRow) => void }) {
  const t = useT()
  const messages = contextOf(row)
  const put = (changed: RowMessage[]) => onChange(withContext(row, changed))
  const next = messages.at(-1)?.role === 'user' && !isPreference(row) ? 'assistant' : 'user'
  return (
    <>
      <ol className={styles.turns}>
        {messages.map((message, index) => (
          <li key={index}>
            <MessageFields
              number={index + 1}
              message={message}
              onChange={(changed) => put(messages.with(index, changed))}
              onRemove={messages.length > 1 ? () => put(messages.filter((_, at) => at !== index)) : undefined}
            />
          </li>
        ))}
      </ol>
      <div>
        <Button small icon="plus" onClick={() => put([...messages, { role: next, content: '' }])}>
          {t.drafts.form.addTurn}
        </Button>
      </div>
      {isPreference(row) && (
        <div className={styles.sides}>
          <ReplyField
            label={t.drafts.preferred}
            reply={row.preferred_output[0]}
            onChange={(reply) => onChange({ ...row, preferred_output: [reply] })}
          />
          <ReplyField
            label={t.drafts.other}
            reply={row.non_preferred_output[0]}
            onChange={(reply) => onChange({ ...row, non_preferred_output: [reply] })}
          />
        </div>
      )}
    </>
  )
}

/** Nobody else has an assistant's weight and calls, or a tool's call to answer. */
function withRole({ weight, tool_calls, tool_call_id, ...message }: RowMessage, role: string): RowMessage {
  const own = role === 'assistant' ? { weight, tool_calls } : role === 'tool' ? { tool_call_id } : {}
  return JSON.parse(JSON.stringify({ ...message, ...own, role })) as RowMessage
}

type MessageProps = {
  number: number
  message: RowMessage
  onChange: (message: RowMessage) => void
  onRemove: (() => void) | undefined
}

function MessageFields({ number, message, onChange, onRemove }: MessageProps) {
  const t = useT()
  const words = t.drafts.form
  const place = { number: count(number) }
  const roles = ROLES.includes(message.role) ? ROLES : [...ROLES, message.role]
  return (
    <div className={styles.turn}>
      <div className={styles.turnHead}>
        <Select
          aria-label={words.role(place)}
          value={message.role}
          onChange={(event) => onChange(withRole(message, event.target.value))}
        >
          {roles.map((role) => (
            <option key={role} value={role}>
              {harmless(role)}
            </option>
          ))}
        </Select>
        {onRemove && (
          <Button kind="quiet" small icon="close" aria-label={words.removeTurn(place)} onClick={onRemove} />
        )}
      </div>
      <ContentField
        label={words.text({ ...place, role: harmless(message.role) })}
        message={message}
        onChange={onChange}
      />
    </div>
  )
}

const shown = (content: unknown): string =>
  typeof content === 'string' ? content : content ? JSON.stringify(content) : ''

type ContentProps = { label: string; message: RowMessage; onChange: (message: RowMessage) => void }

/** The text of a message. Content in parts, and calls, are changed as JSON. */
function ContentField({ label, message, onChange }: ContentProps) {
  const t = useT()
  const calls = callsText(message.tool_calls)
  const isText = typeof message.content === 'string' || !calls.length
  return (
    <>
      {isText && (
        <textarea
          aria-label={label}
          className={styles.field}
          readOnly={Array.isArray(message.content)}
          value={shown(message.content)}
          onChange={(event) => onChange({ ...message, content: event.target.value })}
        />
      )}
      {calls.length > 0 && (
        <div className={styles.calls}>
          <pre>{harmless(calls.join('\n'))}</pre>
          <p className="quiet">{t.drafts.form.callsInJson}</p>
        </div>
      )}
    </>
  )
}

function ReplyField({
  label,
  reply,
  onChange,
}: {
  label: string
  reply: RowMessage | undefined
  onChange: (reply: RowMessage) => void
}) {
  if (!reply) return null
  const calls = callsText(reply.tool_calls)
  return (
    <Field label={label}>
      {(tied) =>
        calls.length ? (
          <ContentField label={label} message={reply} onChange={onChange} />
        ) : (
          <textarea
            {...tied}
            className={styles.field}
            value={typeof reply.content === 'string' ? reply.content : ''}
            onChange={(event) => onChange({ ...reply, content: event.target.value })}
          />
        )
      }
    </Field>
  )
}
