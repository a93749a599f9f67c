/** The call for exactly this state, of any of the models, to take along. */
import { useState } from 'react'
import { useT } from '@/i18n'
import { CodeView } from '@/parts/ViewCode'
import { Dialog } from '@/ui/Dialog'
import { Field, Select } from '@/ui/Field'
import { type Conversation, messagesFor } from './conversation'
import styles from './Playground.module.css'
import type { How } from './session'

type Props = {
  conversation: Conversation
  models: string[]
  asked: How['asked']
  draft: string
  onClose: () => void
}

export function ChatCode({ conversation, models, asked, draft, onClose }: Props) {
  const t = useT()
  const [column, setColumn] = useState(0)
  const { turns } = conversation
  // an answer at the end is what the code is to give, not what it sends
  const until = turns.at(-1)?.role === 'assistant' && !draft ? turns.length - 1 : turns.length
  const messages = messagesFor(conversation, column, until)
  if (draft) messages.push({ role: 'user', content: draft })
  // the seed that the answer was drawn with, where the page has chosen it
  const next = turns[until]
  const seed = next?.role === 'assistant' ? next.answers[column]?.seed : null
  const body = { model: models[column] ?? '', messages, ...(seed == null ? {} : { seed }), ...asked(column) }
  return (
    <Dialog title={t.shared.viewCode} onClose={onClose} wide>
      <div className={styles.code}>
        {models.length > 1 && (
          <Field label={t.playground.codeOf}>
            {(tied) => (
              <Select {...tied} value={column} onChange={(event) => setColumn(Number(event.target.value))}>
                {models.map((model, at) => (
                  <option key={at} value={at}>
                    {model}
                  </option>
                ))}
              </Select>
            )}
          </Field>
        )}
        <CodeView
          call={{ method: 'POST', path: '/chat/completions', name: 'chat.completions.create', body }}
        />
      </div>
    </Dialog>
  )
}
