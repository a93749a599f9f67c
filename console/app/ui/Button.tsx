/** Buttons, and links that look like them. One that cannot act stays where it is, keeps the focus and says why. */
import { type ComponentProps, type ReactNode, useId } from 'react'
import { Link } from 'react-router'
import styles from './Button.module.css'
import { Icon, type IconName } from './Icon'
import { Tip } from './Tip'

type Look = {
  kind?: 'main' | 'plain' | 'quiet' | 'danger'
  small?: boolean
  icon?: IconName
  children?: ReactNode
}

const classOf = ({ kind = 'plain', small, children }: Look) =>
  [styles.button, styles[kind], small && styles.small, !children && styles.bare].filter(Boolean).join(' ')

type ButtonProps = Omit<ComponentProps<'button'>, 'disabled'> &
  Look & {
    /** Why it does nothing now; shown on hover and focus, and read out. */
    disabledReason?: string | undefined
    /** It was pressed although it cannot act: leads to what is in the way. */
    onRefused?: () => void
    /** It has been pressed and the answer is awaited. */
    busy?: boolean
  }

export function Button(props: ButtonProps) {
  const { kind, small, icon, disabledReason, onRefused, busy, children, onClick, className, ...rest } = props
  const id = useId()
  const off = Boolean(disabledReason) || busy
  const button = (
    <button
      type="button"
      {...rest}
      className={[classOf({ kind, small, children }), className].filter(Boolean).join(' ')}
      aria-disabled={off || undefined}
      aria-busy={busy || undefined}
      aria-describedby={disabledReason ? id : rest['aria-describedby']}
      onClick={(event) => {
        if (!off) return onClick?.(event)
        event.preventDefault()
        if (!busy) onRefused?.()
      }}
    >
      {icon && <Icon name={icon} />}
      {children}
    </button>
  )
  // where there can be a reason there is always its place: the button stays the same one, and keeps the focus
  return 'disabledReason' in props ? (
    <Tip text={disabledReason} id={id}>
      {button}
    </Tip>
  ) : (
    button
  )
}

export function ButtonLink({
  kind,
  small,
  icon,
  children,
  className,
  ...rest
}: ComponentProps<typeof Link> & Look) {
  return (
    <Link {...rest} className={[classOf({ kind, small, children }), className].filter(Boolean).join(' ')}>
      {icon && <Icon name={icon} />}
      {children}
    </Link>
  )
}
