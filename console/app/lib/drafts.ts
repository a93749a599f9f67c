/** Rows that people save: what each kind looks like, how a draft is named, and how it becomes a file. Knows no React. */
import type { Tool } from './chatShape'

export type RowCall = { id: string; type: 'function'; function: { name: string; arguments: string } }
export type RowMessage = {
  role: string
  content?: string | null
  tool_calls?: RowCall[]
  tool_call_id?: string
  name?: string
  weight?: 0 | 1
}
export type SupervisedRow = { messages: RowMessage[]; tools?: Tool[] }
export type PreferenceRow = {
  input: { messages: RowMessage[]; tools?: Tool[] }
  preferred_output: RowMessage[]
  non_preferred_output: RowMessage[]
}
export type DraftRow = SupervisedRow | PreferenceRow
export const KINDS = ['supervised', 'dpo'] as const
/** The method that learns from such rows, by the wire's name. */
export type Kind = (typeof KINDS)[number]

/** What a server accepts where it does not say: OpenAI's minimum. */
export const FEWEST_ROWS = 10
/** More is for a file: a draft is read, row by row. */
export const MOST_ROWS = 5_000
export const NAME_CHARS = 60

export const isPreference = (row: DraftRow): row is PreferenceRow => 'input' in row
export const kindOf = (row: DraftRow): Kind => (isPreference(row) ? 'dpo' : 'supervised')

/** What was asked, whichever kind of row. */
export const contextOf = (row: DraftRow): RowMessage[] =>
  isPreference(row) ? row.input.messages : row.messages
export const toolsOf = (row: DraftRow): Tool[] => (isPreference(row) ? row.input.tools : row.tools) ?? []

type Said = { text: string; calls: readonly { id: string; name: string; arguments: string }[] }

/** An answer as the last message of a row. */
export function replyOf({ text, calls }: Said): RowMessage {
  if (!calls.length) return { role: 'assistant', content: text }
  return {
    role: 'assistant',
    ...(text ? { content: text } : {}),
    tool_calls: calls.map(({ id, name, arguments: given }, index) => ({
      id: id || `call_${index + 1}`,
      type: 'function',
      function: { name, arguments: given },
    })),
  }
}

/** A message as text, calls as what they say; whatever a person has typed as JSON can be shown. */
export const textOf = ({ content, tool_calls: calls }: RowMessage): string =>
  [contentText(content), ...callsText(calls)].filter(Boolean).join('\n')

export const callsText = (calls: unknown): string[] =>
  Array.isArray(calls)
    ? (calls as Partial<RowCall | null>[]).map((call) =>
        call?.function ? `${call.function.name}(${call.function.arguments})` : JSON.stringify(call),
      )
    : []

function contentText(content: unknown): string {
  if (typeof content === 'string') return content
  if (content === null || content === undefined) return ''
  if (!Array.isArray(content)) return JSON.stringify(content)
  return content.map((part) => contentText((part as { text?: unknown } | null)?.text)).join('')
}

const withTools = (tools: readonly Tool[]) => (tools.length ? { tools: [...tools] } : {})

export const supervisedRow = (
  before: readonly RowMessage[],
  reply: RowMessage,
  tools: readonly Tool[] = [],
): SupervisedRow => whole({ messages: [...before, reply], ...withTools(tools) })

export const preferenceRow = (
  before: readonly RowMessage[],
  preferred: RowMessage,
  other: RowMessage,
  tools: readonly Tool[] = [],
): PreferenceRow =>
  whole({
    input: { messages: [...before], ...withTools(tools) },
    preferred_output: [preferred],
    non_preferred_output: [other],
  })

/** Half a character, which an answer cut in its middle may end with, is none that a file could hold. */
const HALF = /\p{Surrogate}/gu

export const whole = <T>(value: T): T =>
  JSON.parse(
    JSON.stringify(value, (_, one) => (typeof one === 'string' ? one.replace(HALF, '\uFFFD') : one)),
  ) as T

/** One row a line, as every server of this wire format takes it. */
export const asJsonl = (rows: readonly DraftRow[]): string =>
  rows.map((row) => `${JSON.stringify(row)}\n`).join('')

/** Whether two answers would say the same. */
export const isSame = (a: RowMessage, b: RowMessage): boolean => shape(a) === shape(b)

/** Calls have ids that differ from answer to answer and mean nothing to the model. */
const shape = ({ content, tool_calls: calls }: RowMessage): string =>
  JSON.stringify([content ?? '', (calls ?? []).map((call) => call.function)])

// -- names ----------------------------------------------------------------------------------------------

export type NameFault = 'empty' | 'long' | 'characters' | 'taken'

/** A draft's name becomes a file's and stands in the address of its page. */
export function nameFault(name: string, taken: readonly string[] = []): NameFault | null {
  const trimmed = name.trim()
  if (!trimmed) return 'empty'
  if (trimmed.length > NAME_CHARS) return 'long'
  // letters of any language, and what file systems and addresses leave alone
  if (!/^[\p{L}\p{M}\p{N} ._()+,-]+$/u.test(trimmed) || /^\.+$/.test(trimmed)) return 'characters'
  return taken.some((one) => one.toLowerCase() === trimmed.toLowerCase()) ? 'taken' : null
}

/** `name`, or the first of `name 2`, `name 3` … that nobody has. */
export function freeName(name: string, taken: readonly string[]): string {
  const free = (one: string) => nameFault(one, taken) !== 'taken'
  for (let number = 1; ; number++) {
    const tried = number === 1 ? name : `${name} ${number}`
    if (free(tried)) return tried
  }
}

export const fileName = (name: string): string => `${name.trim().replace(/\s+/g, '-')}.jsonl`
