/** What a person changes in the conversation, without asking anybody. */
import type { Shape } from '@/lib/chatShape'
import type { Prompt } from '@/lib/promptLink'
import { EMPTY, isBusy, newAnswer, type Turn, written } from './conversation'
import { abortAll, abortTurn } from './running'
import { closeFrom as closeSpreads } from './spread'
import { answerAt, current, put, set } from './store'

export const setSystem = (system: string): void => set({ ...current(), system })
export const setShape = (shape: Shape): void => set({ ...current(), shape })

/** Everything that runs, or that waits for its turn. What has come so far stays. */
export function stop(): void {
  abortAll()
  const now = current()
  const turns = now.turns.map((turn): Turn => {
    if (turn.role === 'user' || !turn.answers.some(isBusy)) return turn
    return {
      ...turn,
      answers: turn.answers.map((one) => (one && isBusy(one) ? { ...one, state: 'stopped' } : one)),
    }
  })
  if (turns.some((turn, at) => turn !== now.turns[at])) set({ ...now, turns })
}

export function clear(): void {
  stop()
  const { system, shape, nextId } = current()
  set({ ...EMPTY, system, shape, nextId })
}

/** A turn's text; an answer's calls stay, for they are shown and answered by themselves. */
export function edit(id: number, column: number, text: string): void {
  const turn = current().turns.find((one) => one.id === id)
  if (turn?.role === 'user') {
    const turns = current().turns.map((one) => (one === turn ? { ...turn, text } : one))
    set({ ...current(), turns })
    return
  }
  put(id, column, {
    ...(answerAt(id, column) ?? newAnswer('')),
    text,
    tokens: [],
    state: 'done',
    finish: null,
    edited: true,
    fault: null,
  })
}

/** What came of a call. */
export function setResult(id: number, column: number, index: number, result: string): void {
  const answer = answerAt(id, column)
  if (!answer) return
  put(id, column, {
    ...answer,
    calls: answer.calls.map((call, at) => (at === index ? { ...call, result } : call)),
  })
}

export function remove(id: number): void {
  abortTurn(id)
  set({ ...current(), turns: current().turns.filter((turn) => turn.id !== id) })
}

/** A column is gone: the others move up. */
export function removeColumn(column: number): void {
  stop()
  closeSpreads(column)
  const turns = current().turns.map(
    (turn): Turn =>
      turn.role === 'user' ? turn : { ...turn, answers: turn.answers.filter((_, at) => at !== column) },
  )
  set({ ...current(), turns })
}

/** A turn that a person wrote. */
export function add(role: 'user' | 'assistant', text: string, columns: number): void {
  const { nextId: id, turns } = current()
  const turn: Turn =
    role === 'user'
      ? { id, role, text }
      : { id, role, answers: Array.from({ length: columns }, () => written(text)) }
  set({ ...current(), turns: [...turns, turn], nextId: id + 1 })
}

/** All that a link brought, in place of what was there; the last question is for the person to send. */
export function fill({ system, turns, shape }: Prompt, columns: number): string {
  stop()
  set({ ...EMPTY, system, shape, nextId: current().nextId })
  const last = turns.at(-1)
  const question = last?.role === 'user' ? last.text : ''
  for (const { role, text } of question ? turns.slice(0, -1) : turns) add(role, text, columns)
  return question
}
