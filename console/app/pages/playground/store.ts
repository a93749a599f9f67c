/**
 * The conversation, as long as the tab lives: kept over a reload, and told of once a frame however fast answers come.
 */
import { type Answer, type Conversation, EMPTY, isConversation, revived, type Turn } from './conversation'

const NAME = 'tunesmith.playground'
const KEEP_MS = 400

let now: Conversation = kept()
const listeners = new Set<() => void>()
let frame = 0
let keeping: ReturnType<typeof setTimeout> | undefined

/** As it was left; empty where nothing was. */
export function kept(): Conversation {
  try {
    const left: unknown = { ...EMPTY, ...JSON.parse(sessionStorage.getItem(NAME) ?? 'null') }
    return isConversation(left) ? revived(left) : EMPTY
  } catch {
    return EMPTY
  }
}

export function keep(): void {
  keeping = undefined
  try {
    // log-probabilities are bulky and can be asked for again
    sessionStorage.setItem(
      NAME,
      JSON.stringify(now, (key, value) => (key === 'tokens' ? [] : value)),
    )
  } catch {
    // the browser's store is full: the page goes on without it
  }
}

export function set(changed: Conversation, when: 'once a frame' | 'at once' = 'once a frame'): void {
  now = changed
  if (keeping === undefined) keeping = setTimeout(keep, KEEP_MS)
  if (when === 'at once') tell()
  else if (!frame) frame = requestAnimationFrame(tell)
}
function tell(): void {
  frame = 0
  for (const listener of listeners) listener()
}

addEventListener('pagehide', keep)

export const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
export const current = (): Conversation => now

export function answerAt(id: number, column: number): Answer | null {
  const turn = now.turns.find((one) => one.id === id)
  return turn?.role === 'assistant' ? (turn.answers[column] ?? null) : null
}

export function put(id: number, column: number, changed: Answer, when?: 'at once'): void {
  const turns = now.turns.map((turn): Turn => {
    if (turn.id !== id || turn.role === 'user') return turn
    const answers = [...turn.answers]
    while (answers.length <= column) answers.push(null)
    answers[column] = changed
    return { ...turn, answers }
  })
  set({ ...now, turns }, when)
}
