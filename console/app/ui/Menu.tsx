/** A button that opens a list of things to do: arrows move, Esc and a click elsewhere close it. */
import { type KeyboardEvent, type ReactNode, useId, useRef, useState } from 'react'
import { Button } from './Button'
import type { IconName } from './Icon'
import styles from './Menu.module.css'

export type MenuItem = { label: string; onSelect: () => void; disabledReason?: string | undefined }
type Props = { label: string; icon?: IconName; small?: boolean; items: MenuItem[]; children?: ReactNode }

export function Menu({ label, icon = 'dots', small, items, children }: Props) {
  const id = useId()
  const list = useRef<HTMLDivElement>(null)
  const [open, setOpen] = useState(false)
  const move = (event: KeyboardEvent) => {
    const buttons = [...(list.current?.querySelectorAll('button') ?? [])]
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement)
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key]
    if (to === undefined) return
    event.preventDefault()
    buttons.at(to % buttons.length)?.focus()
  }
  return (
    <span className={styles.anchor}>
      <Button
        kind={children ? 'plain' : 'quiet'}
        small={small}
        icon={icon}
        aria-label={children ? undefined : label}
        aria-haspopup="menu"
        aria-expanded={open}
        popoverTarget={id}
      >
        {children}
      </Button>
      <div
        ref={list}
        id={id}
        role="menu"
        tabIndex={-1}
        aria-label={label}
        popover="auto"
        className={styles.menu}
        onKeyDown={move}
        onToggle={(event) => {
          const isOpen = event.newState === 'open'
          setOpen(isOpen)
          if (isOpen) list.current?.querySelector('button')?.focus()
        }}
      >
        {items.map((item) => (
          <button
            key={item.label}
            type="button"
            role="menuitem"
            className={styles.item}
            aria-disabled={item.disabledReason ? true : undefined}
            onClick={() => {
              if (item.disabledReason) return
              list.current?.hidePopover()
              item.onSelect()
            }}
          >
            {item.label}
            {item.disabledReason && <small className="quiet">{item.disabledReason}</small>}
          </button>
        ))}
      </div>
    </span>
  )
}
