/** Tools or a schema as text: checked with every key, and what is wrong is one click away. */
import { useRef } from 'react'
import { useT } from '@/i18n'
import { pretty, readSchema, readTools } from '@/lib/chatShape'
import { Button } from '@/ui/Button'
import { Dialog } from '@/ui/Dialog'
import { Field } from '@/ui/Field'
import { Icon } from '@/ui/Icon'
import { SCHEMA_EXAMPLE, TOOLS_EXAMPLE } from './examples'
import styles from './Shape.module.css'
import { faultWords } from './shapeWords'

type Props = {
  kind: 'tools' | 'schema'
  value: string
  onChange: (text: string) => void
  onClose: () => void
}

export default function JsonDialog({ kind, value, onChange, onClose }: Props) {
  const t = useT()
  const words = t.asking.shape
  const field = useRef<HTMLTextAreaElement>(null)
  const read = kind === 'tools' ? readTools(value) : readSchema(value)
  const fault = value.trim() ? read.fault : null
  const at = fault && 'json' in fault ? fault.json.at : null
  const tidied = pretty(value)
  const goTo = (place: number) => {
    const area = field.current
    if (!area) return
    area.focus()
    area.setSelectionRange(place, Math.min(area.value.length, place + 1))
    // the browser does not scroll to a selection that a script makes
    const line = area.value.slice(0, place).split('\n').length - 1
    area.scrollTop = (area.scrollHeight / area.value.split('\n').length) * line - area.clientHeight / 2
  }
  return (
    <Dialog
      title={kind === 'tools' ? words.tools : words.schema}
      onClose={onClose}
      onConfirm={onClose}
      wide
      footer={
        <>
          <span className={styles.left}>
            {value.trim() ? (
              <>
                {tidied !== value && <Button onClick={() => onChange(tidied)}>{words.tidy}</Button>}
                <Button kind="quiet" onClick={() => onChange('')}>
                  {words.empty}
                </Button>
              </>
            ) : (
              <Button onClick={() => onChange(kind === 'tools' ? TOOLS_EXAMPLE : SCHEMA_EXAMPLE)}>
                {words.example}
              </Button>
            )}
          </span>
          <Button kind="main" onClick={onClose}>
            {words.done}
          </Button>
        </>
      }
    >
      <Field
        label={kind === 'tools' ? words.tools : words.schema}
        wire={kind === 'tools' ? 'tools' : 'response_format'}
        hint={kind === 'tools' ? words.toolsHint : words.schemaHint}
      >
        {(tied) => (
          <textarea
            {...tied}
            ref={field}
            rows={16}
            spellCheck={false}
            autoCapitalize="off"
            className={styles.json}
            aria-invalid={fault ? true : undefined}
            value={value}
            onChange={(event) => onChange(event.target.value)}
          />
        )}
      </Field>
      <div className={styles.verdict} data-bad={fault ? true : undefined} role="status">
        {fault ? (
          <>
            <Icon name="warn" size={14} />
            <span>{faultWords(fault, t)}</span>
            {at !== null && (
              <Button small kind="quiet" onClick={() => goTo(at)}>
                {words.goThere}
              </Button>
            )}
          </>
        ) : value.trim() ? (
          <>
            <Icon name="check" size={14} />
            <span>
              {Array.isArray(read.value)
                ? words.functions({ count: read.value.length })
                : words.schemaNamed({ name: read.value?.name ?? '' })}
            </span>
          </>
        ) : null}
      </div>
    </Dialog>
  )
}
