/** From a judgement to a row: what an answer, or the choice between answers, becomes in a draft. */
import { readTools, type Tool } from '@/lib/chatShape'
import { isSame, type PreferenceRow, preferenceRow, type RowMessage, replyOf } from '@/lib/drafts'
import { type Answer, type Conversation, contentOf, isBusy, messagesFor } from './conversation'

export const LETTERS = ['A', 'B', 'C'] as const
export const letterOf = (column: number): string => LETTERS[column] ?? `${column + 1}`

/** What was asked before this answer, and the functions that it could call. */
export type Asked = { before: RowMessage[]; tools: Tool[] }

export function askedBefore(conversation: Conversation, turnId: number, column: number): Asked {
  const at = conversation.turns.findIndex((turn) => turn.id === turnId)
  return {
    before: messagesFor(conversation, column, Math.max(at, 0)),
    tools: readTools(conversation.shape.tools).value ?? [],
  }
}

export const hasAnswered = (answer: Answer | null): answer is Answer =>
  answer !== null && !isBusy(answer) && contentOf(answer).trim() !== ''

/** It ends where the token limit, a stop or a lost connection was, not where the model wanted to. */
export const isCut = ({ state, finish, edited }: Answer): boolean =>
  !edited && (state === 'stopped' || state === 'failed' || finish === 'length')

export type WhyNot = 'busy' | 'nobody' | 'unanswered' | 'same'
export type Choice = {
  /** The columns that it can be better than. */
  rivals: number[]
  whyNot: WhyNot | null
}

/** Whether a column's answer can be called better than others. */
export function choiceOf(answers: readonly (Answer | null)[], column: number): Choice {
  const own = answers[column] ?? null
  if (answers.some(isBusy)) return { rivals: [], whyNot: 'busy' }
  if (!hasAnswered(own)) return { rivals: [], whyNot: 'nobody' }
  const reply = replyOf(own)
  const others = [...answers.keys()].filter((one) => one !== column && hasAnswered(answers[one] ?? null))
  const rivals = others.filter((one) => !isSame(reply, replyOf(answers[one] as Answer)))
  return { rivals, whyNot: rivals.length ? null : others.length ? 'same' : 'unanswered' }
}

/** One row for each that it is better than; two rivals that said the same make one. */
export function comparisons(
  conversation: Conversation,
  turnId: number,
  column: number,
  rivals: readonly number[],
): PreferenceRow[] {
  const turn = conversation.turns.find((one) => one.id === turnId)
  if (turn?.role !== 'assistant') return []
  const { before, tools } = askedBefore(conversation, turnId, column)
  const better = replyOf(turn.answers[column] as Answer)
  const replies = rivals.map((one) => replyOf(turn.answers[one] as Answer))
  return replies
    .filter((reply, index) => replies.findIndex((one) => isSame(one, reply)) === index)
    .map((reply) => preferenceRow(before, better, reply, tools))
}

/** Whether all of these columns were asked with the very same words. */
export function sameTalk(conversation: Conversation, turnId: number, columns: readonly number[]): boolean {
  const talks = columns.map((column) => JSON.stringify(askedBefore(conversation, turnId, column).before))
  return new Set(talks).size <= 1
}
