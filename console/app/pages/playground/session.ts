/**
 * The playground asks: all columns at once or one after the other, again, or from where an answer stopped.
 *
 * It lives as long as the tab, so answers go on while another page is shown.
 */
import { type ChatRequest, chat, type Piece } from '@/api/chat'
import { isApiError } from '@/api/client'
import { onChange } from '@/api/key'
import type { Asked } from '@/lib/chatParameters'
import type { AskedShape } from '@/lib/chatShape'
import { add, stop } from './changes'
import { type Answer, calling, heaviest, messagesFor, newAnswer, type Turn } from './conversation'
import { begin, drop, end, isCurrent, isRunning, nameOf, wasAlone } from './running'
import { closeFrom as closeSpreads, newSeed } from './spread'
import { answerAt, current, keep, kept, put, set } from './store'

export { add, clear, edit, remove, removeColumn, setSystem, stop } from './changes'
export { current, subscribe } from './store'

// another key is another person
onChange(() => {
  stop()
  closeSpreads()
  const left = kept()
  // what comes late of the old turns finds none of their number
  set({ ...left, nextId: Math.max(left.nextId, current().nextId) })
  keep()
})

export type Models = readonly string[]
/** `apart`: one column after the other, so that each has the device for itself. */
export type How = { asked: (column: number) => Asked & AskedShape; apart: boolean }

/** Asks all columns for the turn after the last one. */
export function send(text: string, models: Models, how: How): Promise<void> {
  if (text) add('user', text, models.length)
  return answer(models, how)
}

/** The last turn is answered, into a turn of its own. */
export function answer(models: Models, how: How): Promise<void> {
  const { nextId: id, turns } = current()
  const turn: Turn = { id, role: 'assistant', answers: models.map(() => null) }
  set({ ...current(), turns: [...turns, turn], nextId: id + 1 })
  return regenerate(id, models, how)
}

/** A user's turn has changed: the answer right after it is asked for again, or for the first time. */
export function answerAfter(id: number, models: Models, how: How): Promise<void> {
  const { nextId, turns } = current()
  const at = turns.findIndex((turn) => turn.id === id)
  const next = turns[at + 1]
  if (next?.role === 'assistant') return regenerate(next.id, models, how)
  const made: Turn = { id: nextId, role: 'assistant', answers: models.map(() => null) }
  set({
    ...current(),
    turns: [...turns.slice(0, at + 1), made, ...turns.slice(at + 1)],
    nextId: nextId + 1,
  })
  return regenerate(made.id, models, how)
}

/** Asks for a turn's answers, of one column or of all; results of calls concern only those who made calls. */
export async function regenerate(
  id: number,
  models: Models,
  { asked, apart }: How,
  only?: number,
): Promise<void> {
  const { turns } = current()
  const called = calling(
    turns.slice(
      0,
      turns.findIndex((turn) => turn.id === id),
    ),
  ).columns
  const wanted = only !== undefined ? [only] : called.length ? called : [...models.keys()]
  const columns = wanted.filter((column) => column < models.length)
  const seed = seedOf(id, only, columns)
  for (const column of columns) {
    drop(nameOf(id, column))
    put(id, column, newAnswer(models[column] as string, apart && column !== columns[0]))
  }
  const ask = (column: number) => run(id, column, models[column] as string, { ...seed, ...asked(column) })
  if (!apart) {
    await Promise.all(columns.map(ask))
    return
  }
  for (const column of columns) {
    // asked again meanwhile by somebody who sees to it: then this round has nothing to say
    if (isRunning(nameOf(id, column))) return
    // stopped, written by a person, or of a column that has moved
    if (column !== columns[0] && answerAt(id, column)?.state !== 'waiting') continue
    await ask(column)
  }
}

/** Columns that are compared draw from one seed: what differs is the models. An answer that is asked again differs. */
function seedOf(id: number, only: number | undefined, columns: readonly number[]): { seed?: number } {
  if (only === undefined) return columns.length > 1 ? { seed: newSeed() } : {}
  const turn = current().turns.find((one) => one.id === id)
  const answers = turn?.role === 'assistant' ? turn.answers : []
  const seed = answers[only] ? null : answers.find((answer) => answer?.seed != null)?.seed
  return seed == null ? {} : { seed }
}

/** The model goes on from where an answer stopped, was cut, or was written up to; the part stays. */
export async function goOn(id: number, column: number, models: Models, { asked }: How): Promise<void> {
  const part = answerAt(id, column)
  if (!part?.text || part.calls.length) return
  drop(nameOf(id, column))
  await run(id, column, models[column] as string, asked(column), part)
}

/** The request of a column for the turn with this id; null where that turn is gone. */
export function requestOf(
  id: number,
  column: number,
  model: string,
  asked: ReturnType<How['asked']>,
): ChatRequest | null {
  const until = current().turns.findIndex((turn) => turn.id === id)
  return until < 0 ? null : { model, messages: messagesFor(current(), column, until), ...asked }
}

async function run(
  id: number,
  column: number,
  model: string,
  asked: ReturnType<How['asked']>,
  part?: Answer,
): Promise<void> {
  const request = requestOf(id, column, model, asked)
  if (!request) return
  const name = nameOf(id, column)
  const controller = begin(name)
  let made: Answer = { ...newAnswer(model), seed: request.seed ?? null }
  if (part) {
    request.messages.push({ role: 'assistant', content: part.text })
    request.continue_final_message = true
    made = { ...made, text: part.text, tokens: part.tokens, edited: part.edited, continued: true }
  }
  put(id, column, made)
  const startMs = performance.now()
  let firstMs: number | null = null
  const show = (changed: Partial<Answer>) => {
    made = { ...made, ...changed }
    // what a person has typed meanwhile stays typed: only the last to be asked may write
    if (isCurrent(name, controller)) put(id, column, made)
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
    show({ state: controller.signal.aborted ? 'stopped' : 'done' })
  } catch (error) {
    show(
      controller.signal.aborted
        ? { state: 'stopped' }
        : { state: 'failed', fault: faultOf(error, id, column) },
    )
  } finally {
    show({ alone: wasAlone(name) })
    end(name, controller)
  }
}

function grown(before: Answer, piece: Piece): Partial<Answer> {
  const calls = [...before.calls]
  for (const { index, id, name, arguments: part } of piece.calls) {
    const known = calls[index] ?? { id: '', name: '', arguments: '', result: null }
    calls[index] = {
      ...known,
      id: known.id || id || `call_${index}`,
      name: known.name + name,
      arguments: known.arguments + part,
    }
  }
  // a part whose tokens are gone cannot be coloured, so neither can the whole
  const whole = !before.continued || before.tokens.length > 0
  return {
    text: before.text + piece.text,
    calls,
    tokens: whole && piece.tokens.length ? [...before.tokens, ...piece.tokens] : before.tokens,
    finish: piece.finish ?? before.finish,
    usage: piece.usage ?? before.usage,
  }
}

function faultOf(error: unknown, id: number, column: number): Answer['fault'] {
  if (!isApiError(error)) return { message: `${error}`, status: -1, code: null, param: null, requestId: null }
  const { message, status, code, param, requestId } = error
  const fault = { message, status, code, param, requestId }
  if (code !== 'context_length_exceeded') return fault
  const until = current().turns.findIndex((turn) => turn.id === id)
  return { ...fault, heaviest: heaviest(current(), column, until) }
}
