/** A setting that is either left to the server or given: two radio buttons and a field. */
import { useId, useState } from 'react'
import { useT } from '@/i18n'
import { tick } from '@/lib/number'
import { type Explained, reasonText } from '@/lib/reasons'
import { Input, Mark } from '@/ui/Field'
import styles from './AutoValue.module.css'

type Props = {
  label: string
  wire: string
  hint: string
  /** As typed; empty is auto. */
  value: string
  onChange: (value: string) => void
  error?: string | undefined
  mark?: string | undefined
  /** What auto would be, and why, where that is known. */
  becomes?: ({ value: number } & Explained) | undefined
}

export function AutoValue({ label, wire, hint, value, onChange, error, mark, becomes }: Props) {
  const t = useT()
  const id = useId()
  /** “Value” was chosen; there may be nothing typed yet. */
  const [given, setGiven] = useState(false)
  const isGiven = given || value !== ''
  return (
    <fieldset
      className={styles.setting}
      aria-describedby={`${id}-hint`}
      onBlur={(event) => {
        // left without a value, it is still the server's to choose
        if (!event.currentTarget.contains(event.relatedTarget)) setGiven(false)
      }}
    >
      <legend className={styles.legend}>
        {label} <code className="quiet">{wire}</code>
        {mark && <Mark>{mark}</Mark>}
      </legend>
      <div className={styles.row}>
        <label className={styles.choice}>
          <input
            type="radio"
            name={id}
            checked={!isGiven}
            onChange={() => {
              setGiven(false)
              onChange('')
            }}
          />
          {t.create.auto}
        </label>
        <label className={styles.choice}>
          <input type="radio" name={id} checked={isGiven} onChange={() => setGiven(true)} />
          {t.create.value}
        </label>
        <Input
          className={styles.field}
          inputMode="decimal"
          aria-label={`${label}: ${t.create.value}`}
          aria-invalid={error ? true : undefined}
          aria-describedby={error ? `${id}-error` : `${id}-hint`}
          data-field={wire}
          value={value}
          placeholder={isGiven ? '' : t.create.auto}
          onChange={(event) => {
            setGiven(true)
            onChange(event.target.value)
          }}
        />
      </div>
      <p id={`${id}-hint`} className={styles.hint}>
        {hint}
      </p>
      {becomes && !isGiven && (
        <p className={styles.becomes}>
          <strong>{t.create.becomes({ value: tick(becomes.value) })}</strong> {reasonText(becomes, t)}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} className={styles.error}>
          {error}
        </p>
      )}
    </fieldset>
  )
}
