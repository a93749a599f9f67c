/**
 * The playground's running state: the conversation, and the answers that are coming.
 *
 * It lives as long as the tab, so answers go on while another page is shown, and its text survives a reload.
 * However fast tokens come, listeners are told once a frame.
 */
import { type ChatRequest, chat, type Piece } from '@/api/chat'
import { isApiError } from '@/api/client'
import { onChange } from '@/api/key'
import type { Asked } from '@/lib/chatParameters'
import {
  type Answer,
  type Conversation,
  EMPTY,
  isBusy,
  isConversation,
  messagesFor,
  newAnswer,
  revived,
  type Turn,
  written,
} from './conversation'

const NAME = 'tunesmith.playground'
const KEEP_MS = 400

let now: Conversation = read()
const listeners = new Set<() => void>()
const running = new Map<string, AbortController>()
/** Answers beside which another one ran, however shortly: their speed is no measurement. */
const accompanied = new Set<string>()
let frame = 0
let keeping: ReturnType<typeof setTimeout> | undefined

function read(): Conversation {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(NAME) ?? 'null')
    return isConversation(kept) ? revived(kept) : EMPTY
  } catch {
    return EMPTY
  }
}

function keep(): void {
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

function set(changed: Conversation): void {
  now = changed
  if (keeping === undefined) keeping = setTimeout(keep, KEEP_MS)
  if (!frame) frame = requestAnimationFrame(tell)
}
function tell(): void {
  frame = 0
  for (const listener of listeners) listener()
}

addEventListener('pagehide', keep)
// another key is another person
onChange(() => {
  stop()
  set(EMPTY)
  keep()
})

export const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
export const current = (): Conversation => now

// -- what a person changes ------------------------------------------------------------------------------

export const setSystem = (system: string): void => set({ ...now, system })

export function clear(): void {
  stop()
  set({ ...EMPTY, system: now.system, nextId: now.nextId })
}

export function edit(id: number, column: number, text: string): void {
  const turns = now.turns.map((turn): Turn => {
    if (turn.id !== id) return turn
    if (turn.role === 'user') return { ...turn, text }
    const answers = [...turn.answers]
    while (answers.length <= column) answers.push(null)
    const before = answers[column]
    answers[column] = {
      ...(before ?? newAnswer('')),
      text,
      calls: [],
      tokens: [],
      state: 'done',
      edited: true,
      fault: null,
    }
    return { ...turn, answers }
  })
  set({ ...now, turns })
}

export function remove(id: number): void {
  for (const [key, controller] of running) if (key.startsWith(`${id}/`)) controller.abort()
  set({ ...now, turns: now.turns.filter((turn) => turn.id !== id) })
}

/** A column is gone: the others move up. */
export function removeColumn(column: number): void {
  stop()
  const turns = now.turns.map(
    (turn): Turn =>
      turn.role === 'user' ? turn : { ...turn, answers: turn.answers.filter((_, at) => at !== column) },
  )
  set({ ...now, turns })
}

/** A turn that a person wrote, without asking anybody. */
export function add(role: 'user' | 'assistant', text: string, columns: number): void {
  const id = now.nextId
  const turn: Turn =
    role === 'user'
      ? { id, role, text }
      : { id, role, answers: Array.from({ length: columns }, () => written(text)) }
  set({ ...now, turns: [...now.turns, turn], nextId: id + 1 })
}

// -- asking ---------------------------------------------------------------------------------------------

export type Models = readonly string[]
/** `apart`: one column after the other, so that each has the device for itself. */
export type How = { asked: Asked; apart: boolean }

/** Asks all columns for the turn after the last one. */
export function send(text: string, models: Models, how: How): Promise<void> {
  if (text) add('user', text, models.length)
  return answer(models, how)
}

/** The last turn is answered, into a turn of its own. */
export function answer(models: Models, how: How): Promise<void> {
  const id = now.nextId
  const turn: Turn = { id, role: 'assistant', answers: models.map(() => null) }
  set({ ...now, turns: [...now.turns, turn], nextId: id + 1 })
  return regenerate(id, models, how)
}

/** A user's turn has changed: the answer right after it is asked for again, or for the first time. */
export function answerAfter(id: number, models: Models, how: How): Promise<void> {
  const at = now.turns.findIndex((turn) => turn.id === id)
  const next = now.turns[at + 1]
  if (next?.role === 'assistant') return regenerate(next.id, models, how)
  const made: Turn = { id: now.nextId, role: 'assistant', answers: models.map(() => null) }
  set({
    ...now,
    turns: [...now.turns.slice(0, at + 1), made, ...now.turns.slice(at + 1)],
    nextId: now.nextId + 1,
  })
  return regenerate(made.id, models, how)
}

/** Asks again for a turn's answers, of all columns or of one. */
export async function regenerate(
  id: number,
  models: Models,
  { asked, apart }: How,
  only?: number,
): Promise<void> {
  const columns = models.map((_, column) => column).filter((column) => only === undefined || column === only)
  stopTurn(id, columns)
  for (const column of columns) {
    put(id, column, newAnswer(models[column] as string, apart && column !== columns[0]))
  }
  const ask = (column: number) => run(id, column, models[column] as string, asked)
  if (!apart) {
    await Promise.all(columns.map(ask))
    return
  }
  for (const column of columns) {
    // stopped, or asked again meanwhile by somebody who sees to it: then this round has nothing to say
    if (answerAt(id, column)?.state === 'stopped' || running.has(`${id}/${column}`)) return
    await ask(column)
  }
}

/** Everything that runs, or that waits for its turn. What has come so far stays. */
export function stop(): void {
  for (const controller of running.values()) controller.abort()
  const turns = now.turns.map((turn): Turn => {
    if (turn.role === 'user' || !turn.answers.some(isBusy)) return turn
    return {
      ...turn,
      answers: turn.answers.map((one) => (one && isBusy(one) ? { ...one, state: 'stopped' } : one)),
    }
  })
  if (turns.some((turn, at) => turn !== now.turns[at])) set({ ...now, turns })
}

function stopTurn(id: number, columns: number[]): void {
  for (const column of columns) {
    running.get(`${id}/${column}`)?.abort()
    running.delete(`${id}/${column}`) // it has no say any more
  }
}

function answerAt(id: number, column: number): Answer | null {
  const turn = now.turns.find((one) => one.id === id)
  return turn?.role === 'assistant' ? (turn.answers[column] ?? null) : null
}

function put(id: number, column: number, changed: Answer): void {
  const turns = now.turns.map((turn): Turn => {
    if (turn.id !== id || turn.role === 'user') return turn
    const answers = [...turn.answers]
    while (answers.length <= column) answers.push(null)
    answers[column] = changed
    return { ...turn, answers }
  })
  set({ ...now, turns })
}

async function run(id: number, column: number, model: string, asked: Asked): Promise<void> {
  const until = now.turns.findIndex((turn) => turn.id === id)
  if (until < 0) return
  const request: ChatRequest = { model, messages: messagesFor(now, column, until), ...asked }
  const controller = new AbortController()
  const name = `${id}/${column}`
  running.set(name, controller)
  accompanied.delete(name)
  if (running.size > 1) for (const other of running.keys()) accompanied.add(other)
  let made = newAnswer(model)
  put(id, column, made)
  const startMs = performance.now()
  let firstMs: number | null = null
  const show = (changed: Partial<Answer>) => {
    made = { ...made, ...changed }
    if (running.get(name) === controller) put(id, column, made)
  }
  try {
    for await (const piece of chat(request, controller.signal)) {
      if (controller.signal.aborted) break
      const sinceMs = performance.now() - startMs
      if (firstMs === null && (piece.text || piece.tokens.length || piece.calls.length)) firstMs = sinceMs
      // a piece without text says how it ended and what it took: time of its own it has not
      const said = piece.text || piece.calls.length ? { restMs: sinceMs - (firstMs ?? sinceMs) } : {}
      show({ ...grown(made, piece), firstMs, ...said })
    }
    show({ state: controller.signal.aborted ? 'stopped' : 'done', alone: !accompanied.has(name) })
  } catch (error) {
    show(controller.signal.aborted ? { state: 'stopped' } : { state: 'failed', fault: faultOf(error) })
  } finally {
    if (running.get(name) === controller) running.delete(name)
  }
}

function grown(before: Answer, piece: Piece): Partial<Answer> {
  const calls = [...before.calls]
  for (const { index, name, arguments: part } of piece.calls) {
    const known = calls[index] ?? { name: '', arguments: '' }
    calls[index] = { name: known.name + name, arguments: known.arguments + part }
  }
  return {
    text: before.text + piece.text,
    calls,
    tokens: piece.tokens.length ? [...before.tokens, ...piece.tokens] : before.tokens,
    finish: piece.finish ?? before.finish,
    usage: piece.usage ?? before.usage,
  }
}

function faultOf(error: unknown): Answer['fault'] {
  if (!isApiError(error)) return { message: `${error}`, status: -1, code: null, param: null, requestId: null }
  const { message, status, code, param, requestId } = error
  return { message, status, code, param, requestId }
}
