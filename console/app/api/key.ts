/**
 * The key of this browser tab: where it is kept, and how a new tab gets it.
 *
 * It lives in the tab's session storage, or in local storage where the person chose so. A tab that was opened
 * beside others asks them over a channel of this origin. It travels only in the Authorization header.
 */

const NAME = 'tunesmith.key'
const ASK_MS = 200
type Word = { say: 'who has the key?' } | { say: 'this one'; key: string } | { say: 'forget' }

const channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('tunesmith.key')
const listeners = new Set<() => void>()
let key: string | null = null

export function start(): Promise<void> {
  key = sessionStorage.getItem(NAME) ?? localStorage.getItem(NAME)
  channel?.addEventListener('message', ({ data }: MessageEvent<Word>) => {
    if (data.say === 'who has the key?' && key) channel.postMessage({ say: 'this one', key } satisfies Word)
    if (data.say === 'this one' && !key) take(data.key)
    if (data.say === 'forget') drop()
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
export const isRemembered = (): boolean => localStorage.getItem(NAME) !== null

function take(newKey: string): void {
  key = newKey
  sessionStorage.setItem(NAME, newKey)
  for (const tell of listeners) tell()
}

function drop(): void {
  key = null
  sessionStorage.removeItem(NAME)
  localStorage.removeItem(NAME)
  for (const tell of listeners) tell()
}

export function signIn(newKey: string, remember: boolean): void {
  localStorage.removeItem(NAME)
  if (remember) localStorage.setItem(NAME, newKey)
  take(newKey)
}

/** Here and in all other tabs. */
export function signOut(): void {
  channel?.postMessage({ say: 'forget' } satisfies Word)
  drop()
}

/** Stops remembering on this device; the tab stays signed in. */
export function rememberOnlyHere(): void {
  localStorage.removeItem(NAME)
}

export function onChange(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
