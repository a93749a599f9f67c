/** Tabs whose choice lives in the URL; arrows move, and each tab is a link that can be opened elsewhere. */
import type { KeyboardEvent, ReactNode } from 'react'
import { Link } from 'react-router'
import styles from './Tabs.module.css'

export type Tab = { id: string; label: ReactNode; to: string; count?: string | undefined }

export function Tabs({ label, tabs, current }: { label: string; tabs: Tab[]; current: string }) {
  const move = (event: KeyboardEvent<HTMLDivElement>) => {
    const links = [...event.currentTarget.querySelectorAll('a')]
    const at = links.indexOf(document.activeElement as HTMLAnchorElement)
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: links.length - 1 }[event.key]
    if (to === undefined) return
    event.preventDefault()
    const link = links.at(to % links.length)
    link?.focus()
    link?.click()
  }
  return (
    <div role="tablist" aria-label={label} className={styles.tabs} onKeyDown={move}>
      {tabs.map((tab) => (
        <Link
          key={tab.id}
          id={`tab-${tab.id}`}
          role="tab"
          to={tab.to}
          replace
          preventScrollReset
          aria-selected={tab.id === current}
          aria-controls={tab.id === current ? 'tab-panel' : undefined}
          tabIndex={tab.id === current ? 0 : -1}
          className={styles.tab}
        >
          {tab.label}
          {tab.count && <span className={styles.count}>{tab.count}</span>}
        </Link>
      ))}
    </div>
  )
}

export function TabPanel({ current, children }: { current: string; children: ReactNode }) {
  return (
    <div role="tabpanel" id="tab-panel" aria-labelledby={`tab-${current}`} className={styles.panel}>
      {children}
    </div>
  )
}
