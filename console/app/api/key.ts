/**
 * The key of this browser tab: where it is kept, how a new tab gets it, and what goes with it.
 *
 * It lives in the tab's session storage, and in local storage too where the person chose so. A tab that was opened
 * beside others asks them over a channel of this origin. It travels only in the Authorization header.
 */
import { fingerprint } from '@/lib/fingerprint'

const NAME = 'tunesmith.key'
/** How all begins that the console keeps. */
const OURS = 'tunesmith.'
/** The project of the key, once the server has named it. */
const PROJECT = 'tunesmith.project'
/** What an ended key has left, for whoever comes back to its project. */
const LEFT = 'tunesmith.left'
const ASK_MS = 200
type Word =
  | { say: 'who has the key?' }
  | { say: 'this one'; key: string; project: string | null }
  /** Only the key of this fingerprint: other tabs may have another. `project`: the key has ended, nobody has left. */
  | { say: 'forget'; print: string; project: string | null }
type Left = { project: string; kept: Record<string, string> }

const channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('tunesmith.key')
const listeners = new Set<() => void>()
let key: string | null = null

export function start(): Promise<void> {
  key = sessionStorage.getItem(NAME) ?? localStorage.getItem(NAME)
  // kept in the tab as well: it stays signed in when the device forgets
  if (key) sessionStorage.setItem(NAME, key)
  channel?.addEventListener('message', ({ data }: MessageEvent<Word>) => {
    if (data.say === 'who has the key?' && key)
      channel.postMessage({ say: 'this one', key, project: knownProject() } satisfies Word)
    if (data.say === 'this one' && !key) take(data.key, data.project)
    if (data.say === 'forget') drop(data.print, data.project)
  })
  return key || !channel ? Promise.resolve() : ask(channel)
}

/** Waits for a sibling tab's answer, briefly: usually there is no sibling. */
function ask(siblings: BroadcastChannel): Promise<void> {
  return new Promise((done) => {
    const heard = () => {
      stop()
      done()
    }
    const stop = onChange(heard)
    setTimeout(heard, ASK_MS)
    siblings.postMessage({ say: 'who has the key?' } satisfies Word)
  })
}

export const currentKey = (): string | null => key
export const knownProject = (): string | null => sessionStorage.getItem(PROJECT)
/** What the server has said of a key. */
export function learnProject(of: string, project: string): void {
  if (of === key) sessionStorage.setItem(PROJECT, project)
}
export const isRemembered = (): boolean => localStorage.getItem(NAME) !== null
/** Tells this key from others without giving it away. */
export const keyPrint = (): string => fingerprint(key ?? '')

function take(newKey: string, project: string | null): void {
  if (key !== null && key !== newKey) forgetPerson()
  sessionStorage.removeItem(PROJECT)
  takeBack(project)
  key = newKey
  sessionStorage.setItem(NAME, newKey)
  if (project !== null) sessionStorage.setItem(PROJECT, project)
  for (const tell of listeners) tell()
}

function drop(print: string, project: string | null): void {
  const remembered = localStorage.getItem(NAME)
  if (remembered !== null && fingerprint(remembered) === print) localStorage.removeItem(NAME)
  if (key === null || keyPrint() !== print) return
  key = null
  if (project === null) forgetPerson()
  else setAside(project)
  for (const tell of listeners) tell()
}

/** All that this tab keeps is somebody's: forms, conversations, links on their way. Preferences are the device's. */
function forgetPerson(): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const name of Object.keys(sessionStorage).filter((one) => one.startsWith(OURS))) {
    if (![NAME, PROJECT, LEFT].includes(name)) kept[name] = sessionStorage.getItem(name) ?? ''
    sessionStorage.removeItem(name)
  }
  return kept
}

function setAside(project: string): void {
  const left: Left = { project, kept: forgetPerson() }
  sessionStorage.setItem(LEFT, JSON.stringify(left))
}

function takeBack(project: string | null): void {
  const left = JSON.parse(sessionStorage.getItem(LEFT) ?? 'null') as Left | null
  sessionStorage.removeItem(LEFT)
  if (left === null || left.project !== project) return
  for (const [name, text] of Object.entries(left.kept)) sessionStorage.setItem(name, text)
}

/** Here, and in the tabs beside this one that wait for a key. `project`: which the key is for, where that is known. */
export function signIn(newKey: string, remember: boolean, project: string | null): void {
  localStorage.removeItem(NAME)
  if (remember) localStorage.setItem(NAME, newKey)
  take(newKey, project)
  channel?.postMessage({ say: 'this one', key: newKey, project } satisfies Word)
}

/** Here and in all other tabs that have this key: what was typed goes too. */
export const signOut = (): void => leave(null)

/** The server takes the key no more: what was typed waits for another key of its project. */
export const keyEnded = (): void => leave(knownProject())

function leave(project: string | null): void {
  const print = keyPrint()
  channel?.postMessage({ say: 'forget', print, project } satisfies Word)
  drop(print, project)
}

/** Stops remembering on this device; the tab stays signed in. */
export function rememberOnlyHere(): void {
  localStorage.removeItem(NAME)
}

export function onChange(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
