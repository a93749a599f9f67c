/** The head of a page: its one h1, which takes the focus when the page changes, and the title of the tab. */
import { type ReactNode, useEffect, useLayoutEffect, useRef } from 'react'
import { Link, useLocation } from 'react-router'
import { useT } from '@/i18n'
import { isDialogOpen } from './keys'
import styles from './Page.module.css'
import { useTabIcon } from './tabIcon'

type Props = {
  title: string
  /** Beside the title: a badge, a copy button. */
  aside?: ReactNode
  /** What the tab says instead: its state first. */
  tabTitle?: string
  /** The state that the icon of the tab shows. */
  tabState?: string
  trail?: { label: string; to: string }[]
  actions?: ReactNode
  lead?: ReactNode
  children: ReactNode
}

let shown: string | null = null

export function Page({ title, aside, tabTitle, tabState, trail, actions, lead, children }: Props) {
  const t = useT()
  const heading = useRef<HTMLHeadingElement>(null)
  const { pathname } = useLocation()
  useEffect(() => {
    document.title = `${tabTitle ?? title} · ${t.frame.product}`
  }, [tabTitle, title, t])
  useTabIcon(tabState)
  // before the page is painted: later it could take the focus from whoever has moved it since
  useLayoutEffect(() => {
    const isFirst = shown === null // there the browser's own start is right
    if (!isFirst && isDialogOpen()) return // it lies over the page that was there, and gives the focus back to it
    if (!isFirst && shown !== pathname) heading.current?.focus({ preventScroll: true })
    shown = pathname
  }, [pathname])
  return (
    <>
      <div className={styles.head}>
        <div className={styles.titles}>
          {trail && (
            <nav aria-label={t.frame.trail} className={styles.trail}>
              {trail.map((one) => (
                <span key={one.to}>
                  <Link to={one.to}>{one.label}</Link>
                </span>
              ))}
            </nav>
          )}
          <div className={styles.title}>
            <h1 ref={heading} tabIndex={-1}>
              {title}
            </h1>
            {aside}
          </div>
          {lead && <div className={styles.lead}>{lead}</div>}
        </div>
        {actions && <div className={styles.actions}>{actions}</div>}
      </div>
      {children}
    </>
  )
}
