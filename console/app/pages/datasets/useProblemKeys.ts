/** `n` and `p` lead to the next and the previous problem of a report. */
import { useEffect } from 'react'
import { currentPreferences } from '@/frame/preferences'

export function useProblemKeys(): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const by = { n: 1, p: -1 }[event.key]
      if (
        !by ||
        event.defaultPrevented ||
        event.ctrlKey ||
        event.metaKey ||
        event.altKey ||
        event.isComposing
      )
        return
      if (
        !currentPreferences().shortcuts ||
        (event.target as HTMLElement).closest('input, textarea, select, dialog')
      )
        return
      const links = [...document.querySelectorAll<HTMLElement>('[data-problem]')]
      const at = links.indexOf(document.activeElement as HTMLElement)
      const link = at < 0 ? links[by > 0 ? 0 : links.length - 1] : links[at + by]
      if (!link) return
      event.preventDefault()
      link.focus()
      link.scrollIntoView({ block: 'nearest' })
    }
    // behind the frame's own keys, of which `g` then `p` is one: what it has taken arrives here as taken
    const timer = setTimeout(() => addEventListener('keydown', onKeyDown))
    return () => {
      clearTimeout(timer)
      removeEventListener('keydown', onKeyDown)
    }
  }, [])
}
