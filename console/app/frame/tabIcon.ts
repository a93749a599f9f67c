/** The icon of the tab: the state of what the page is about, where it has one, else the product's mark. */
import { useEffect } from 'react'
import { shapeOf } from '@/parts/stateShapes'

/** A strip of tabs has colours of its own: these can be told apart on a light and on a dark one. */
const COLOURS: Record<string, string> = {
  running: '#0b6b6b',
  paused: '#855400',
  succeeded: '#1d6b3c',
  failed: '#b0262b',
}
const OTHERS = '#555f63'

export function iconOf(status: string): string {
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="4" ` +
    `fill="${COLOURS[status] ?? OTHERS}"/><path d="${shapeOf(status)}" fill="none" stroke="#fff" ` +
    `stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/></svg>`
  return `data:image/svg+xml,${encodeURIComponent(svg)}`
}

export function useTabIcon(status: string | undefined): void {
  useEffect(() => {
    const link = document.querySelector<HTMLLinkElement>('link[rel=icon]')
    if (!link || !status) return
    const mark = link.href
    link.href = iconOf(status)
    return () => {
      link.href = mark
    }
  }, [status])
}
