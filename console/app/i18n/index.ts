/** The language of the page: typed messages, chosen once and changed at once. English is always there. */
import { useSyncExternalStore } from 'react'
import { speak } from '@/lib/number'
import { en, type Messages } from './en'

export type { Messages }
export const LANGUAGES = { en: 'English', 'zh-CN': '简体中文' } as const
export type Language = keyof typeof LANGUAGES
export type LanguageChoice = Language | 'auto'

const NAME = 'tunesmith.language'
let messages: Messages = en
const listeners = new Set<() => void>()

export function languageChoice(): LanguageChoice {
  const kept = localStorage.getItem(NAME)
  return kept && kept in LANGUAGES ? (kept as Language) : 'auto'
}

function language(choice: LanguageChoice): Language {
  if (choice !== 'auto') return choice
  const wanted = navigator.languages.find((tag) => /^(en|zh)\b/i.test(tag)) ?? 'en'
  return /^zh/i.test(wanted) ? 'zh-CN' : 'en'
}

export async function chooseLanguage(choice: LanguageChoice): Promise<void> {
  if (choice === 'auto') localStorage.removeItem(NAME)
  else localStorage.setItem(NAME, choice)
  const tag = language(choice)
  messages = tag === 'zh-CN' ? (await import('./zh-CN')).zhCN : en
  document.documentElement.lang = tag
  speak(tag)
  for (const tell of listeners) tell()
}

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** The messages of the page's language. */
export const useT = (): Messages => useSyncExternalStore(subscribe, () => messages)
/** The same, outside of a component. */
export const said = (): Messages => messages
