/** `s` saves the focused answer as a row, `b` calls it the better one; alone on the page, the newest is meant. */
import { isShortcut, useKeys } from '@/frame/keys'

export function useSaveKeys(): void {
  useKeys((event) => {
    if ((event.key !== 's' && event.key !== 'b') || !isShortcut(event)) return
    const answer = focused()
    const found =
      event.key === 's'
        ? answer?.querySelector<HTMLElement>('[data-save]')
        : answer?.closest('li')?.querySelector<HTMLElement>(`[data-better="${answer.dataset.column}"] button`)
    if (!found) return
    event.preventDefault()
    found.click()
  })
}

function focused(): HTMLElement | null {
  const answer = document.activeElement?.closest<HTMLElement>('[data-column]')
  if (answer) return answer
  const newest = [...document.querySelectorAll<HTMLElement>('[data-column]')].at(-1)
  return newest?.dataset.column === '0' ? newest : null
}
