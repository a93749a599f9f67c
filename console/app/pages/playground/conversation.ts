/** A conversation with up to three models at once: turns that all share, and one answer for each column. */
import type { Message, ToolCall, Usage } from '@/api/chat'
import type { Token } from '@/lib/logprob'

export const MOST_COLUMNS = 3

export type Fault = {
  message: string
  status: number
  code: string | null
  param: string | null
  requestId: string | null
}
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
  /** Nothing else of this page was answered meanwhile: its speed is a measurement. */
  alone: boolean
  fault: Fault | null
  /** Written or changed by a person. */
  edited: boolean
}
export type Turn =
  | { id: number; role: 'user'; text: string }
  /** One answer for each column; null where that column was not asked. */
  | { id: number; role: 'assistant'; answers: (Answer | null)[] }
export type Conversation = { system: string; turns: Turn[]; nextId: number }

export const EMPTY: Conversation = { system: '', turns: [], nextId: 1 }

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
    alone: false,
    fault: null,
    edited: false,
  }
}

export const written = (text: string): Answer => ({
  ...newAnswer(''),
  text,
  state: 'done',
  edited: true,
})

/** What a column's model is sent for the turn at `until`: its own answers so far, or else the first column's. */
export function messagesFor({ system, turns }: Conversation, column: number, until: number): Message[] {
  const messages: Message[] = system.trim() ? [{ role: 'system', content: system }] : []
  for (const turn of turns.slice(0, until)) {
    if (turn.role === 'user') messages.push({ role: 'user', content: turn.text })
    else {
      const answer = turn.answers[column] ?? turn.answers.find((one) => one !== null)
      const content = answer ? contentOf(answer) : ''
      if (content) messages.push({ role: 'assistant', content })
    }
  }
  return messages
}

/** An answer as text: a call stands as what it says. */
export const contentOf = ({ text, calls }: Answer): string =>
  [text, ...calls.map((call) => `${call.name}(${call.arguments})`)].filter(Boolean).join('\n')

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

export function isConversation(value: unknown): value is Conversation {
  const found = value as Conversation | null
  return typeof found?.system === 'string' && Array.isArray(found.turns) && typeof found.nextId === 'number'
}
