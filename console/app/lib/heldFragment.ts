/**
 * A prompt's fragment on its way: signing in leads through another page, which would lose it.
 *
 * It is wiped from the address as soon as it is seen, so that it is not copied along by accident.
 */

/** How such a fragment begins. */
export const MARK = '#prompt='
export const isPrompt = (fragment: string): boolean => fragment.startsWith(MARK)

const NAME = 'tunesmith.playground.link'

/** Keeps the fragment of the address, where it is a prompt. */
export function holdFragment(): void {
  if (!isPrompt(location.hash)) return
  sessionStorage.setItem(NAME, location.hash)
  history.replaceState(history.state, '', location.pathname + location.search)
}

export function heldFragment(): string | null {
  holdFragment()
  return sessionStorage.getItem(NAME)
}

export const forgetFragment = (): void => sessionStorage.removeItem(NAME)
