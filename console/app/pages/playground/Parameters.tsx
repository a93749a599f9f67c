/** What a chat is asked with: each setting is left to the server until somebody fills it in. */
import { memo, useId, useState } from 'react'
import { useT } from '@/i18n'
import {
  escaped,
  isGood,
  MOST_STOPS,
  NO_PARAMETERS,
  NUMBER_NAMES,
  type NumberName,
  PARAMETERS,
  type Parameters_,
  unescaped,
} from '@/lib/chatParameters'
import { Button } from '@/ui/Button'
import { Check, Field, Input } from '@/ui/Field'
import styles from './Parameters.module.css'

/** Those with a narrow range have a slider too. */
const SLIDERS: Partial<Record<NumberName, { from: number; step: number }>> = {
  temperature: { from: 1, step: 0.05 },
  top_p: { from: 1, step: 0.01 },
  frequency_penalty: { from: 0, step: 0.1 },
  presence_penalty: { from: 0, step: 0.1 },
}

type Props = {
  column: number
  parameters: Parameters_
  onChange: (changed: Parameters_, column: number) => void
}

export const Parameters = memo(function Parameters({ column, parameters, onChange: tell }: Props) {
  const t = useT()
  const onChange = (changed: Parameters_) => tell(changed, column)
  const { numbers, stop, logprobs } = parameters
  const changed = NUMBER_NAMES.some((name) => numbers[name]) || stop.length > 0
  return (
    <div className={styles.parameters}>
      {NUMBER_NAMES.map((name) => (
        <NumberField
          key={name}
          name={name}
          value={numbers[name]}
          onChange={(typed) => onChange({ ...parameters, numbers: { ...numbers, [name]: typed } })}
        />
      ))}
      <Stops stop={stop} onChange={(texts) => onChange({ ...parameters, stop: texts })} />
      <Check
        label={t.playground.logprobs}
        hint={t.playground.logprobsHint}
        checked={logprobs}
        onChange={(event) => onChange({ ...parameters, logprobs: event.target.checked })}
      />
      {changed && (
        <div>
          <Button small onClick={() => onChange({ ...NO_PARAMETERS, logprobs })}>
            {t.playground.resetParameters}
          </Button>
        </div>
      )}
    </div>
  )
})

function NumberField({
  name,
  value,
  onChange,
}: {
  name: NumberName
  value: string
  onChange: (typed: string) => void
}) {
  const t = useT()
  const { least, most, whole } = PARAMETERS[name]
  const slider = SLIDERS[name]
  const good = isGood(name, value)
  const range =
    name === 'seed'
      ? t.playground.wholeNumber
      : whole
        ? t.playground.atLeastOne
        : t.playground.range({ least: `${least}`, most: `${most}` })
  return (
    <Field label={t.playground.names[name]} wire={name} error={good ? undefined : range}>
      {(tied) => (
        <div className={styles.row}>
          {slider && (
            <input
              type="range"
              min={least}
              max={most}
              step={slider.step}
              aria-label={t.playground.names[name]}
              data-unset={value === '' || undefined}
              value={value === '' || !good ? slider.from : value}
              onChange={(event) => onChange(event.target.value)}
            />
          )}
          <Input
            {...tied}
            inputMode={whole ? 'numeric' : 'decimal'}
            placeholder={t.playground.serverDefault}
            value={value}
            onChange={(event) => onChange(event.target.value)}
          />
        </div>
      )}
    </Field>
  )
}

/** One text a line; a line break within one is typed as `\n`. */
function Stops({ stop, onChange }: { stop: string[]; onChange: (texts: string[]) => void }) {
  const t = useT()
  const id = useId()
  const [typed, setTyped] = useState(() => stop.map(escaped).join('\n'))
  const shown =
    typed.split('\n').filter(Boolean).map(unescaped).join('\u0000') === stop.join('\u0000')
      ? typed
      : stop.map(escaped).join('\n')
  return (
    <Field label={t.playground.stopStrings} wire="stop" hint={t.playground.stopHint}>
      {(tied) => (
        <textarea
          {...tied}
          key={id}
          rows={2}
          spellCheck={false}
          className={styles.stops}
          value={shown}
          onChange={(event) => {
            setTyped(event.target.value)
            onChange(event.target.value.split('\n').filter(Boolean).slice(0, MOST_STOPS).map(unescaped))
          }}
        />
      )}
    </Field>
  )
}
