/** `n` and `p` lead to the next and the previous problem of a report, also to those that are not shown yet. */
import { flushSync } from 'react-dom'
import { isShortcut, useKeys } from '@/frame/keys'

export function useProblemKeys(): void {
  useKeys((event) => {
    const by = { n: 1, p: -1 }[event.key]
    if (!by || !isShortcut(event)) return
    let to = neighbour(by)
    if (to && 'more' in to.dataset) {
      const more = to
      flushSync(() => more.click())
      to = neighbour(by)
    }
    if (!to) return
    event.preventDefault()
    to.focus()
    to.scrollIntoView({ block: 'nearest' })
  })
}

/** The problem, or the button that shows more of them, beside the one that has the focus. */
function neighbour(by: number): HTMLElement | undefined {
  const stops = [...document.querySelectorAll<HTMLElement>('[data-problem], [data-more]')]
  const at = stops.indexOf(document.activeElement as HTMLElement)
  return at < 0 ? stops.at(by > 0 ? 0 : -1) : stops[at + by]
}
