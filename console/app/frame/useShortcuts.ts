/** Keys that work anywhere: `?`, `/`, `c`, and `g` followed by a place's letter. They can be turned off. */
import { useEffect } from 'react'
import { useNavigate } from 'react-router'
import { paths } from '@/paths'
import { PLACES } from './places'
import { currentPreferences } from './preferences'

const CHORD_MS = 1_200

/** Whether a key press is meant for a field, a dialog, or a chart, rather than for the page. */
function isTaken(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing)
    return true
  const target = event.target as HTMLElement
  return Boolean(target.closest('input, textarea, select, dialog, [contenteditable], [data-own-keys]'))
}

export function useShortcuts(showHelp: () => void): void {
  const navigate = useNavigate()
  useEffect(() => {
    let chordUntil = 0
    const onKeyDown = (event: KeyboardEvent) => {
      if (!currentPreferences().shortcuts || isTaken(event)) return
      const place = Date.now() < chordUntil && PLACES.find((one) => one.letter === event.key)
      chordUntil = 0
      if (place) navigate(place.to)
      else if (event.key === 'g') chordUntil = Date.now() + CHORD_MS
      else if (event.key === '?') showHelp()
      else if (event.key === 'c') navigate(paths.newJob())
      else if (event.key === '/') document.querySelector<HTMLElement>('main [data-search]')?.focus()
      else return
      event.preventDefault()
    }
    addEventListener('keydown', onKeyDown)
    return () => removeEventListener('keydown', onKeyDown)
  }, [navigate, showHelp])
}
