/**
 * Keys that are meant for the page rather than for a field: one listener, older than every page.
 *
 * A page is heard from the moment it is in the document, not from the first paint on: on a slow machine there is
 * time enough between the two for a person to press what is already to be seen. The frame's own keys come first;
 * what they take is taken.
 */
import { useEffectEvent, useLayoutEffect } from 'react'
import { currentPreferences } from './preferences'

type Hear = (event: KeyboardEvent) => void
const ofFrame = new Set<Hear>()
const ofPages = new Set<Hear>()

addEventListener('keydown', (event) => {
  for (const hear of [...ofFrame, ...ofPages]) if (!event.defaultPrevented) hear(event)
})

export function useKeys(hear: Hear, whose: 'frame' | 'page' = 'page'): void {
  const newest = useEffectEvent(hear)
  useLayoutEffect(() => {
    const heard: Hear = (event) => newest(event)
    const all = whose === 'frame' ? ofFrame : ofPages
    all.add(heard)
    return () => {
      all.delete(heard)
    }
  }, [whose])
}

export const isDialogOpen = (): boolean => document.querySelector('dialog[open]') !== null

/** A key by itself that nobody writes with: no field has the focus, and letters are wanted as shortcuts. */
export function isShortcut(event: KeyboardEvent): boolean {
  if (!currentPreferences().shortcuts || event.isComposing) return false
  // many keyboards write `[` and `/` with Alt or AltGr; with a letter these are somebody else's shortcut
  const written = event.getModifierState('AltGraph') || (event.altKey && !/^\w$/.test(event.key))
  if (!written && (event.ctrlKey || event.metaKey || event.altKey)) return false
  const target = event.target as HTMLElement
  return !target.closest('input, textarea, select, [contenteditable]') && !isDialogOpen()
}
