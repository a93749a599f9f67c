/** What a person has chosen for this browser: the theme, and whether single letters are shortcuts. */
import { useSyncExternalStore } from 'react'

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]
export type Preferences = { theme: Theme; shortcuts: boolean }

const NAME = 'tunesmith.preferences'
const listeners = new Set<() => void>()
let preferences: Preferences = read()

function read(): Preferences {
  try {
    const kept = JSON.parse(localStorage.getItem(NAME) ?? '{}') as Partial<Preferences>
    const theme = THEMES.find((one) => one === kept.theme) ?? 'system'
    return { theme, shortcuts: kept.shortcuts !== false }
  } catch {
    return { theme: 'system', shortcuts: true }
  }
}

export function prefer(changed: Partial<Preferences>): void {
  preferences = { ...preferences, ...changed }
  localStorage.setItem(NAME, JSON.stringify(preferences))
  apply()
  for (const tell of listeners) tell()
}

/** Charts listen for this: they draw with colours that they have read. */
export function apply(): void {
  document.documentElement.dataset.theme = preferences.theme
}

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
export const usePreferences = (): Preferences => useSyncExternalStore(subscribe, () => preferences)
export const currentPreferences = (): Preferences => preferences

/** Changes whenever the colours of the page do, by choice or with the system. */
export function useColours(): string {
  const { theme } = usePreferences()
  const system = useSyncExternalStore(
    (listener) => {
      const query = matchMedia('(prefers-color-scheme: dark)')
      query.addEventListener('change', listener)
      return () => query.removeEventListener('change', listener)
    },
    () => (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'),
  )
  return theme === 'system' ? system : theme
}
