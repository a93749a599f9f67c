/** A conversation with up to three models at once: turns that all share, and one answer for each column. */
import type { Message, ToolCall, Usage } from '@/api/chat'
import { isShape, NO_SHAPE, readTools, type Shape } from '@/lib/chatShape'
import type { Token } from '@/lib/logprob'

export type Fault = {
  message: string
  status: number
  code: string | null
  param: string | null
  requestId: string | null
  /** Of a prompt that is too long: where most of its text is. */
  heaviest?: Heaviest | null
}
/** `turn` counts from 1; 0 is what stands before them. `share` is of the bytes of all text. */
export type Heaviest = { turn: number; role: 'system' | 'tools' | 'user' | 'assistant'; share: number }
export type Answer = {
  model: string
  text: string
  calls: ToolCall[]
  tokens: Token[]
  state: 'waiting' | 'running' | 'done' | 'stopped' | 'failed'
  finish: string | null
  usage: Usage | null
  /** From the request to the first piece, and from there to the last. */
  firstMs: number | null
  restMs: number | null
  /** Nothing else of this page was answered meanwhile: its speed is a measurement. Null where nobody knows. */
  alone: boolean | null
  /** What it was asked with, so that it can be asked again; null where the server chose. */
  seed: number | null
  fault: Fault | null
  /** Written or changed by a person. */
  edited: boolean
  /** It goes on from a part that was stopped, cut or written: counts and times are of what came last. */
  continued: boolean
}
export type Turn =
  | { id: number; role: 'user'; text: string }
  /** One answer for each column; null where that column was not asked. */
  | { id: number; role: 'assistant'; answers: (Answer | null)[] }
export type Conversation = {
  /** The system prompt of all columns, while they share one. */
  system: string
  /** Each column's own system prompt; null while they share one. */
  systems: string[] | null
  shape: Shape
  turns: Turn[]
  nextId: number
  /** What is being typed in place of turns: of a question by its id, of an answer by `id/column`. */
  edits: Record<string, string>
  /** How many columns have been taken out from under these turns. */
  columnsGone: number
}

export const EMPTY: Conversation = {
  system: '',
  systems: null,
  shape: NO_SHAPE,
  turns: [],
  nextId: 1,
  edits: {},
  columnsGone: 0,
}

export const systemOf = ({ system, systems }: Conversation, column: number): string =>
  systems?.[column] ?? system

export const isBusy = (answer: Answer | null): boolean =>
  answer?.state === 'running' || answer?.state === 'waiting'

export function newAnswer(model: string, waiting = false): Answer {
  return {
    model,
    text: '',
    calls: [],
    tokens: [],
    state: waiting ? 'waiting' : 'running',
    finish: null,
    usage: null,
    firstMs: null,
    restMs: null,
    alone: null,
    seed: null,
    fault: null,
    edited: false,
    continued: false,
  }
}

export const written = (text: string): Answer => ({
  ...newAnswer(''),
  text,
  state: 'done',
  edited: true,
})

/** What a column's model is sent for the turn at `until`: its own answers so far, or else the first column's. */
export function messagesFor(conversation: Conversation, column: number, until: number): Message[] {
  const { turns } = conversation
  const system = systemOf(conversation, column)
  const messages: Message[] = system.trim() ? [{ role: 'system', content: system }] : []
  for (const [index, turn] of turns.slice(0, until).entries()) {
    if (turn.role === 'user') messages.push({ role: 'user', content: turn.text })
    else {
      const before = turns[index - 1]
      // what others went on to say about results of their calls is nothing to one who made none
      const spoke = before?.role === 'assistant' && before.answers[column]
      const answer = turn.answers[column] ?? (spoke ? null : turn.answers.find((one) => one !== null))
      if (answer) messages.push(...said(answer))
    }
  }
  return messages
}

/** An answer as the wire has it: its text with its calls, and a turn for what came of each. */
function said({ text, calls }: Answer): Message[] {
  if (!calls.length) return text ? [{ role: 'assistant', content: text }] : []
  const made = calls.map(({ id, name, arguments: given }) => ({
    id,
    type: 'function' as const,
    function: { name, arguments: given },
  }))
  return [
    { role: 'assistant', content: text || null, tool_calls: made },
    ...calls.map(({ id, result }): Message => ({ role: 'tool', content: result ?? '', tool_call_id: id })),
  ]
}

/** An answer as text: a call stands as what it says. */
export const contentOf = ({ text, calls }: Answer): string =>
  [text, ...calls.map((call) => `${call.name}(${call.arguments})`)].filter(Boolean).join('\n')

/** The columns whose last answer made calls, and whether the results of all of them are there. */
export function calling(turns: readonly Turn[]): { columns: number[]; complete: boolean } {
  const last = turns.at(-1)
  const answers = last?.role === 'assistant' ? last.answers : []
  const columns = [...answers.keys()].filter((column) => answers[column]?.calls.length)
  const complete = columns.every((column) => answers[column]?.calls.every(({ result }) => result?.trim()))
  return { columns, complete }
}

/** Why an answer cannot go on from its end; null where it can, false where there is nothing to go on from. */
export function whyNotOn(answer: Answer, model: string, enforced: boolean): 'form' | 'other' | null | false {
  const { text, calls, state, finish, edited } = answer
  const isPart = state === 'stopped' || state === 'failed' || finish === 'length' || edited
  if (!isPart || isBusy(answer) || !text.trim() || calls.length) return false
  if (answer.model && answer.model !== model) return 'other'
  return enforced ? 'form' : null
}

const encoder = new TextEncoder()

/** Where most of a prompt's text is. */
export function heaviest(conversation: Conversation, column: number, until: number): Heaviest | null {
  const { shape, turns } = conversation
  const sizeOf = (text: string) => encoder.encode(text).length
  const sizes = turns.slice(0, until).map((turn, index) => {
    const answer = turn.role === 'user' ? null : (turn.answers[column] ?? turn.answers.find(Boolean))
    const results = answer?.calls.map(({ result }) => result ?? '') ?? []
    const text = turn.role === 'user' ? turn.text : answer ? contentOf(answer) + results.join('') : ''
    return { turn: index + 1, role: turn.role, size: sizeOf(text) }
  })
  const tools = readTools(shape.tools).value ?? []
  const all = [
    { turn: 0, role: 'system' as const, size: sizeOf(systemOf(conversation, column)) },
    { turn: 0, role: 'tools' as const, size: tools.length ? sizeOf(JSON.stringify(tools)) : 0 },
    ...sizes,
  ]
  const total = all.reduce((sum, { size }) => sum + size, 0)
  const most = all.reduce((found, one) => (one.size > found.size ? one : found))
  return total ? { turn: most.turn, role: most.role, share: most.size / total } : null
}

/** Tokens a second after the first; null where there is too little to tell. */
export function speedOf({ usage, restMs }: Answer): number | null {
  const count = (usage?.completion_tokens ?? 0) - 1
  return count > 3 && restMs ? (count * 1000) / restMs : null
}

/** As it is after a reload: what ran has been cut off. */
export function revived(kept: Conversation): Conversation {
  const turns = kept.turns.map((turn): Turn => {
    if (turn.role === 'user') return turn
    const answers = turn.answers.map((answer) =>
      answer && isBusy(answer) ? { ...answer, state: 'stopped' as const } : answer,
    )
    return { ...turn, answers }
  })
  return { ...kept, turns }
}

const isTexts = (found: unknown): boolean =>
  Array.isArray(found) && found.every((text) => typeof text === 'string')

export function isConversation(value: unknown): value is Conversation {
  const found = value as Conversation | null
  return (
    typeof found?.system === 'string' &&
    (found.systems === null || isTexts(found.systems)) &&
    isShape(found.shape) &&
    isTexts(Object.values(found.edits ?? {})) &&
    Array.isArray(found.turns) &&
    typeof found.nextId === 'number'
  )
}
