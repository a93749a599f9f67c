/** What the models may call and how they have to answer: in short beside the parameters, as text in a dialog. */
import { lazy, memo, Suspense, useId, useState } from 'react'
import { useT } from '@/i18n'
import { type Format, readSchema, readTools, type Shape, shapeFaults } from '@/lib/chatShape'
import { Button } from '@/ui/Button'
import { Field, Segments, Select } from '@/ui/Field'
import { Icon } from '@/ui/Icon'
import styles from './Shape.module.css'
import { faultWords } from './shapeWords'

const JsonDialog = lazy(() => import('./JsonDialog'))

type Props = { shape: Shape; onChange: (changed: Shape) => void }
const FORMATS: Format[] = ['text', 'json_object', 'json_schema']

export const ShapeFields = memo(function ShapeFields({ shape, onChange }: Props) {
  const t = useT()
  const words = t.asking.shape
  const heading = useId()
  const [open, setOpen] = useState<'tools' | 'schema' | null>(null)
  const faults = shapeFaults(shape)
  const tools = readTools(shape.tools).value ?? []
  const schema = readSchema(shape.schema).value
  const isUsed = shape.tools.trim() !== '' || shape.format !== 'text'
  const [shown, setShown] = useState(isUsed)
  if (isUsed && !shown) setShown(true) // a link may bring tools; emptying them folds nothing away
  return (
    <>
      <details className={styles.shape} open={shown || undefined}>
        <summary>
          <h3>{words.title}</h3>
        </summary>
        <div className={styles.fields}>
          <section className={styles.field} aria-labelledby={heading}>
            <h4 id={heading}>
              {words.tools} <code className="quiet">tools</code>
            </h4>
            {faults.tools ? (
              <Fault text={faultWords(faults.tools, t)} />
            ) : tools.length ? (
              <ul className={styles.names}>
                {tools.map((tool) => (
                  <li key={tool.function.name}>
                    <code>{tool.function.name}</code>
                  </li>
                ))}
              </ul>
            ) : (
              <p className="quiet">{words.noTools}</p>
            )}
            <div>
              <Button small icon={shape.tools ? 'edit' : 'plus'} onClick={() => setOpen('tools')}>
                {shape.tools ? words.editTools : words.addTools}
              </Button>
            </div>
          </section>
          {tools.length > 0 && (
            <Field label={words.choice} wire="tool_choice">
              {(tied) => (
                <Select
                  {...tied}
                  value={shape.choice}
                  onChange={(event) => onChange({ ...shape, choice: event.target.value })}
                >
                  {(['auto', 'required', 'none'] as const).map((choice) => (
                    <option key={choice} value={choice}>
                      {words.choices[choice]}
                    </option>
                  ))}
                  {tools.map(({ function: { name } }) => (
                    <option key={name} value={`=${name}`}>
                      {words.named({ name })}
                    </option>
                  ))}
                </Select>
              )}
            </Field>
          )}
          <Segments<Format>
            legend={words.format}
            value={shape.format}
            options={FORMATS.map((value) => ({ value, label: words.formats[value] }))}
            onChange={(format) => {
              onChange({ ...shape, format })
              if (format === 'json_schema' && !shape.schema.trim()) setOpen('schema')
            }}
          />
          {shape.format === 'json_object' && <p className="quiet">{words.jsonHint}</p>}
          {shape.format === 'json_schema' && (
            <div className={styles.field}>
              {faults.schema ? (
                <Fault text={faultWords(faults.schema, t)} />
              ) : (
                <p>{words.schemaNamed({ name: schema?.name ?? '' })}</p>
              )}
              <div>
                <Button small icon={shape.schema ? 'edit' : 'plus'} onClick={() => setOpen('schema')}>
                  {shape.schema ? words.editSchema : words.addSchema}
                </Button>
              </div>
            </div>
          )}
        </div>
      </details>
      {open && (
        <Suspense fallback={null}>
          <JsonDialog
            kind={open}
            value={shape[open]}
            onChange={(text) => onChange({ ...shape, [open]: text })}
            onClose={() => setOpen(null)}
          />
        </Suspense>
      )}
    </>
  )
})

function Fault({ text }: { text: string }) {
  return (
    <p className={styles.fault}>
      <Icon name="warn" size={14} />
      <span>{text}</span>
    </p>
  )
}
