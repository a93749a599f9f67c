/** Whoever acts on a thing that then disappears is not left without a place: the heading over it gets the focus. */

const SECTIONS = 'dialog, article, section, main'
const HEADINGS = 'h1, h2, h3'

/** From the inside out. */
function sectionsOf(element: Element): Element[] {
  const found: Element[] = []
  for (let at = element.closest(SECTIONS); at; at = at.parentElement?.closest(SECTIONS) ?? null)
    found.push(at)
  return found
}

/** Its own, not that of a section within. */
function headingOf(section: Element): HTMLElement | undefined {
  const all = [...section.querySelectorAll<HTMLElement>(HEADINGS)]
  return section.isConnected ? all.find((heading) => heading.closest(SECTIONS) === section) : undefined
}

/** From now on, for the whole document. */
export function keepFocus(): void {
  let last: { element: Element; sections: Element[] } | null = null
  document.addEventListener('focusin', ({ target }) => {
    if (target instanceof Element) last = { element: target, sections: sectionsOf(target) }
  })
  const look = () => {
    if (!last || last.element.isConnected || document.activeElement !== document.body) return
    const heading = last.sections.map(headingOf).find(Boolean)
    last = null
    if (!heading) return // the next page puts the focus where it belongs
    if (!heading.hasAttribute('tabindex')) heading.tabIndex = -1
    heading.focus({ preventScroll: true })
  }
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true })
}
