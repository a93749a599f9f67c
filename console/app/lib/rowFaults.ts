/** What a job would refuse in a row, told before it is saved. The server's own report has the last word. Knows no React. */
import { type DraftRow, isSame, type RowMessage } from './drafts'

export type RowFaultCode =
  | 'notRow'
  | 'noMessages'
  | 'role'
  | 'empty'
  | 'noReply'
  | 'arguments'
  | 'replies'
  | 'same'
/** `place` is the path within the row: `messages[2].content`. */
export type RowFault = { code: RowFaultCode; place: string }

const ROLES = ['system', 'developer', 'user', 'assistant', 'tool', 'function']
type Loose = Record<string, unknown>
const isObject = (value: unknown): value is Loose =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** All that is wrong with it; nothing is. */
export function rowFaults(row: unknown): RowFault[] {
  if (!isObject(row)) return [{ code: 'notRow', place: '' }]
  if ('input' in row) return preferenceFaults(row)
  if (!('messages' in row)) return [{ code: 'notRow', place: '' }]
  const faults = messagesFaults(row.messages, 'messages')
  if (!faults.length && !learnt(row.messages as Loose[])) faults.push({ code: 'noReply', place: 'messages' })
  return faults
}

const learnt = (messages: Loose[]): boolean =>
  messages.some(({ role, weight }) => role === 'assistant' && weight !== 0)

function preferenceFaults(row: Loose): RowFault[] {
  const input = isObject(row.input) ? row.input.messages : undefined
  const faults = messagesFaults(input, 'input.messages')
  const replies: RowMessage[] = []
  for (const side of ['preferred_output', 'non_preferred_output'] as const) {
    const [reply, ...more] = Array.isArray(row[side]) ? (row[side] as unknown[]) : []
    if (!isObject(reply) || reply.role !== 'assistant' || more.length) {
      faults.push({ code: 'replies', place: side })
      continue
    }
    faults.push(...messageFaults(reply, `${side}[0]`))
    replies.push(reply as RowMessage)
  }
  const [one, other] = replies
  if (!faults.length && one && other && isSame(one, other))
    faults.push({ code: 'same', place: 'non_preferred_output' })
  return faults
}

function messagesFaults(messages: unknown, place: string): RowFault[] {
  if (!Array.isArray(messages) || !messages.length) return [{ code: 'noMessages', place }]
  return messages.flatMap((message, index) => messageFaults(message, `${place}[${index}]`))
}

function messageFaults(message: unknown, place: string): RowFault[] {
  if (!isObject(message) || !ROLES.includes(message.role as string))
    return [{ code: 'role', place: `${place}.role` }]
  const calls = Array.isArray(message.tool_calls) ? message.tool_calls : []
  const faults = calls.flatMap((call, index): RowFault[] =>
    isJsonObject((call as { function?: Loose } | null)?.function?.arguments)
      ? []
      : [{ code: 'arguments', place: `${place}.tool_calls[${index}].function.arguments` }],
  )
  const mayBeSilent = calls.length > 0 || message.role === 'tool' || message.role === 'function'
  if (!mayBeSilent && !hasText(message.content)) faults.push({ code: 'empty', place: `${place}.content` })
  return faults
}

const hasText = (content: unknown): boolean =>
  typeof content === 'string'
    ? content.trim() !== ''
    : Array.isArray(content) && content.some((part) => hasText((part as Loose | null)?.text))

function isJsonObject(text: unknown): boolean {
  try {
    return isObject(JSON.parse(text as string))
  } catch {
    return false
  }
}

/** Typed as JSON; null where it is none. */
export function parsedRow(text: string): DraftRow | null {
  try {
    return JSON.parse(text) as DraftRow
  } catch {
    return null
  }
}
