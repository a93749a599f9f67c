/** What a person changes in the conversation, without asking anybody. */
import type { Shape } from '@/lib/chatShape'
import type { Prompt } from '@/lib/promptLink'
import { EMPTY, isBusy, newAnswer, systemOf, type Turn, written } from './conversation'
import { abortAll, abortTurn, drop, dropAll, nameOf } from './running'
import { closeFrom as closeSpreads } from './spread'
import { answerAt, current, put, set } from './store'

/** What a field shows while somebody types in it is told at once: a late word would move the cursor. */
export function setSystem(text: string, column = 0): void {
  const now = current()
  const all = now.systems && [...now.systems]
  if (all) while (all.length <= column) all.push(now.system)
  set({ ...now, ...(all ? { systems: all.with(column, text) } : { system: text }) }, 'at once')
}
/** Each column begins with what all had; all go on with what the first has. */
export function shareSystem(shared: boolean, columns: number): void {
  const now = current()
  const own = () => Array.from({ length: columns }, () => now.system)
  set(shared ? { ...now, system: systemOf(now, 0), systems: null } : { ...now, systems: own() })
}
export const setShape = (shape: Shape): void => set({ ...current(), shape }, 'at once')

const placeOf = (id: number, column?: number): string => (column === undefined ? `${id}` : `${id}/${column}`)
const columnOf = (place: string): number => Number(place.split('/')[1] ?? -1)
/** What is typed in place of a question, or of a column's answer; null where nobody changes it. */
export const editOf = (id: number, column?: number): string | null =>
  current().edits[placeOf(id, column)] ?? null
export function keepEdit(text: string | null, id: number, column?: number): void {
  const { [placeOf(id, column)]: _, ...edits } = current().edits
  set({ ...current(), edits: text === null ? edits : { ...edits, [placeOf(id, column)]: text } })
}

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
  const { system, systems, shape, nextId } = current()
  set({ ...EMPTY, system, systems, shape, nextId })
}

/** A turn's text; an answer's calls stay, for they are shown and answered by themselves. */
export function edit(id: number, column: number, text: string): void {
  const turn = current().turns.find((one) => one.id === id)
  if (turn?.role === 'user') {
    const turns = current().turns.map((one) => (one === turn ? { ...turn, text } : one))
    set({ ...current(), turns })
    return
  }
  drop(nameOf(id, column))
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
  put(
    id,
    column,
    {
      ...answer,
      calls: answer.calls.map((call, at) => (at === index ? { ...call, result } : call)),
    },
    'at once',
  )
}

export function remove(id: number): void {
  abortTurn(id)
  set({ ...current(), turns: current().turns.filter((turn) => turn.id !== id) })
}

/** A column is gone: the others move up, and what still comes for their old places comes to nobody. */
export function removeColumn(column: number): void {
  dropAll()
  stop()
  closeSpreads(column)
  const turns = current().turns.map(
    (turn): Turn =>
      turn.role === 'user' ? turn : { ...turn, answers: turn.answers.filter((_, at) => at !== column) },
  )
  const { systems, edits, columnsGone } = current()
  set({
    ...current(),
    systems: systems?.filter((_, at) => at !== column) ?? null,
    turns,
    edits: without(column, edits),
    columnsGone: columnsGone + 1,
  })
}

function without(column: number, edits: Record<string, string>): Record<string, string> {
  const left = Object.entries(edits).filter(([place]) => columnOf(place) !== column)
  const moved = (place: string) =>
    columnOf(place) > column ? placeOf(Number(place.split('/')[0]), columnOf(place) - 1) : place
  return Object.fromEntries(left.map(([place, text]) => [moved(place), text]))
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
export function fill({ system, systems, turns, shape }: Prompt, columns: number): string {
  stop()
  set({ ...EMPTY, system, systems, shape, nextId: current().nextId })
  const last = turns.at(-1)
  const question = last?.role === 'user' ? last.text : ''
  for (const { role, text } of question ? turns.slice(0, -1) : turns) add(role, text, columns)
  return question
}
