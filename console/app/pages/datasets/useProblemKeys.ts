/** `n` and `p` lead to the next and the previous problem of a report. */
import { isShortcut, useKeys } from '@/frame/keys'

export function useProblemKeys(): void {
  useKeys((event) => {
    const by = { n: 1, p: -1 }[event.key]
    if (!by || !isShortcut(event)) return
    const links = [...document.querySelectorAll<HTMLElement>('[data-problem]')]
    const at = links.indexOf(document.activeElement as HTMLElement)
    const link = at < 0 ? links[by > 0 ? 0 : links.length - 1] : links[at + by]
    if (!link) return
    event.preventDefault()
    link.focus()
    link.scrollIntoView({ block: 'nearest' })
  })
}
