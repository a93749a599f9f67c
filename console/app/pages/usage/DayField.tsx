/** A day of the report; what is typed stays in the field, and counts once it is a day that was meant. */
import { useState } from 'react'
import { dayName, isMeant, today } from '@/lib/usage'
import { Field, Input } from '@/ui/Field'
import styles from './Usage.module.css'

type Props = { label: string; dayS: number; onChange: (day: string) => void }

export function DayField({ label, dayS, onChange }: Props) {
  const [typed, setTyped] = useState<string | null>(null)
  return (
    <div className={styles.day}>
      <Field label={label}>
        {(tied) => (
          <Input
            {...tied}
            type="date"
            required
            max={dayName(today())}
            value={typed ?? dayName(dayS)}
            onChange={({ target }) => {
              setTyped(target.value)
              if (isMeant(target.value)) onChange(target.value)
            }}
            onBlur={() => setTyped(null)}
          />
        )}
      </Field>
    </div>
  )
}
