/** A searchable choice, after the ARIA pattern: typing filters, arrows move, Enter takes, Esc closes. */
import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react'
import { useT } from '@/i18n'
import styles from './Combobox.module.css'
import { Input } from './Field'

export type Choice = { value: string; label: string; detail?: ReactNode; group?: string; words?: string }
type Props = {
  id: string
  value: string
  choices: Choice[]
  onChange: (value: string) => void
  placeholder?: string
  onFocus?: () => void
  /** Found by it when it has to take the focus. */
  field?: string
  'aria-describedby'?: string
  'aria-invalid'?: true
}

export function Combobox({ id, value, choices, onChange, placeholder, field, ...rest }: Props) {
  const t = useT()
  const listId = useId()
  const list = useRef<HTMLDivElement>(null)
  const [typed, setTyped] = useState<string | null>(null)
  const [at, setAt] = useState(0)
  const open = typed !== null
  const wanted = (typed ?? '').trim().toLowerCase()
  const shown = choices.filter((choice) =>
    `${choice.label} ${choice.words ?? ''}`.toLowerCase().includes(wanted),
  )
  const current = choices.find((choice) => choice.value === value)

  useEffect(() => {
    if (open) list.current?.querySelector(`[data-at="${at}"]`)?.scrollIntoView({ block: 'nearest' })
  }, [open, at])

  const show = () => {
    if (open) return
    setTyped('')
    setAt(
      Math.max(
        0,
        choices.findIndex((choice) => choice.value === value),
      ),
    )
  }
  const take = (choice: Choice | undefined) => {
    if (choice) onChange(choice.value)
    setTyped(null)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault()
      if (!open) return show()
      const by = event.key === 'ArrowDown' ? 1 : -1
      setAt((now) => (now + by + shown.length) % Math.max(1, shown.length))
    } else if (event.key === 'Enter' && open) {
      event.preventDefault()
      take(shown[at])
    } else if (event.key === 'Escape' && open) {
      event.preventDefault()
      event.stopPropagation()
      setTyped(null)
    }
  }
  return (
    <div className={styles.box}>
      <Input
        {...rest}
        id={id}
        data-field={field}
        role="combobox"
        autoComplete="off"
        spellCheck={false}
        aria-expanded={open}
        aria-controls={listId}
        aria-autocomplete="list"
        aria-activedescendant={open && shown.length ? `${listId}-${at}` : undefined}
        placeholder={open ? (current?.label ?? placeholder) : placeholder}
        value={typed ?? current?.label ?? value}
        onChange={(event) => {
          setTyped(event.target.value)
          setAt(0)
        }}
        onClick={show}
        onKeyDown={onKeyDown}
        onBlur={() => setTyped(null)}
      />
      <div
        id={listId}
        ref={list}
        role="listbox"
        aria-label={placeholder}
        className={styles.list}
        hidden={!open}
      >
        {shown.map((choice, index) => (
          <div key={choice.value}>
            {choice.group && choice.group !== shown[index - 1]?.group && (
              <div role="presentation" className={styles.group}>
                {choice.group}
              </div>
            )}
            {/* biome-ignore lint/a11y/useFocusableInteractive: the focus stays in the field */}
            {/* biome-ignore lint/a11y/useKeyWithClickEvents: the field has the keys */}
            <div
              id={`${listId}-${index}`}
              data-at={index}
              role="option"
              aria-selected={choice.value === value}
              className={styles.option}
              data-active={index === at || undefined}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => take(choice)}
            >
              <span>{choice.label}</span>
              {choice.detail && <small className="quiet">{choice.detail}</small>}
            </div>
          </div>
        ))}
        {!shown.length && <div className={styles.group}>{t.shared.noMatch}</div>}
      </div>
    </div>
  )
}
