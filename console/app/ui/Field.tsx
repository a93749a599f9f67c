/** A label, what is filled in, a hint, and what is wrong with it: tied together for everybody. */
import { type ComponentProps, type ReactNode, useId } from 'react'
import styles from './Field.module.css'
import { Icon } from './Icon'
import { Tip } from './Tip'

type Tied = { id: string; 'aria-describedby'?: string; 'aria-invalid'?: true }
type Props = {
  label: string
  /** The wire's own name, shown beside a translation. */
  wire?: string
  hint?: ReactNode
  error?: string | null | undefined
  /** A word beside the label: what is special about this field. */
  mark?: string | undefined
  children: (tied: Tied) => ReactNode
}

export function Field({ label, wire, hint, error, mark, children }: Props) {
  const id = useId()
  const described = [mark && `${id}-mark`, hint && `${id}-hint`, error && `${id}-error`]
    .filter(Boolean)
    .join(' ')
  const tied: Tied = { id }
  if (described) tied['aria-describedby'] = described
  if (error) tied['aria-invalid'] = true
  return (
    <div className={styles.field}>
      <div className={styles.head}>
        <label htmlFor={id} className={styles.label}>
          {label}
          {wire && <code className="quiet"> {wire}</code>}
        </label>
        {mark && <Mark id={`${id}-mark`}>{mark}</Mark>}
      </div>
      {children(tied)}
      {hint && (
        <div id={`${id}-hint`} className={styles.hint}>
          {hint}
        </div>
      )}
      {error && (
        <div id={`${id}-error`} className={styles.error}>
          <Icon name="warn" size={14} />
          {error}
        </div>
      )}
    </div>
  )
}

/** A word beside a label. */
export function Mark({ id, children }: { id?: string; children: ReactNode }) {
  return (
    <span id={id} className={styles.mark}>
      {children}
    </span>
  )
}

export function Input({ className, ...rest }: ComponentProps<'input'>) {
  return <input {...rest} className={className ? `${styles.input} ${className}` : styles.input} />
}

export function Select({ className, ...rest }: ComponentProps<'select'>) {
  return <select {...rest} className={className ? `${styles.input} ${className}` : styles.input} />
}

/** A choice of a few, side by side: radio buttons that look like one control. One that cannot be chosen says why. */
export function Segments<T extends string>({
  legend,
  hidden,
  mark,
  value,
  options,
  onChange,
}: {
  legend: string
  hidden?: boolean
  mark?: string | undefined
  value: T
  options: { value: T; label: string; disabledReason?: string | undefined }[]
  onChange: (value: T) => void
}) {
  const name = useId()
  return (
    <fieldset className={styles.segments}>
      <legend className={hidden ? 'hidden-text' : styles.label}>
        {legend}
        {mark && <Mark>{mark}</Mark>}
      </legend>
      <div className={styles.row}>
        {options.map((option) => {
          const why = option.disabledReason
          const id = `${name}-${option.value}`
          return (
            <Tip key={option.value} text={why} id={id}>
              <label
                className={styles.segment}
                data-on={option.value === value || undefined}
                data-off={why ? true : undefined}
              >
                <input
                  type="radio"
                  className="hidden-text"
                  name={name}
                  checked={option.value === value}
                  aria-disabled={why ? true : undefined}
                  aria-describedby={why ? id : undefined}
                  onChange={() => why || onChange(option.value)}
                />
                {option.label}
              </label>
            </Tip>
          )
        })}
      </div>
    </fieldset>
  )
}

export function Check({ label, hint, ...rest }: ComponentProps<'input'> & { label: string; hint?: string }) {
  const id = useId()
  return (
    <div className={styles.check}>
      <input type="checkbox" id={id} aria-describedby={hint ? `${id}-hint` : undefined} {...rest} />
      <div>
        <label htmlFor={id}>{label}</label>
        {hint && (
          <div id={`${id}-hint`} className={styles.hint}>
            {hint}
          </div>
        )}
      </div>
    </div>
  )
}
