/** `POST /v1/chat/completions`: the request, and what comes of it, piece by piece or whole. */
import type { AskedShape } from '@/lib/chatShape'
import type { Token } from '@/lib/logprob'
import { isApiError, withKey } from './client'
import { ApiError, errorOf, noAnswer } from './errors'
import { events } from './sse'

export type Role = 'system' | 'user' | 'assistant' | 'tool'
export type Called = { id: string; type: 'function'; function: { name: string; arguments: string } }
export type Message =
  | { role: 'system' | 'user'; content: string }
  | { role: 'assistant'; content: string | null; tool_calls?: Called[] }
  | { role: 'tool'; content: string; tool_call_id: string }
export type ChatRequest = AskedShape & {
  model: string
  messages: Message[]
  temperature?: number
  top_p?: number
  max_completion_tokens?: number
  stop?: string[]
  seed?: number
  frequency_penalty?: number
  presence_penalty?: number
  logprobs?: true
  top_logprobs?: number
  /** The last message is the beginning of the answer, which goes on from it. */
  continue_final_message?: true
}

export type Usage = {
  prompt_tokens: number
  completion_tokens: number
  prompt_tokens_details?: { cached_tokens?: number }
}
/** A call that the model made, and what somebody says came of it; null until then. */
export type ToolCall = { id: string; name: string; arguments: string; result: string | null }
/** What one event adds. */
export type Piece = {
  text: string
  tokens: Token[]
  calls: { index: number; id: string; name: string; arguments: string }[]
  finish: string | null
  usage: Usage | null
}

type Chunk = {
  error?: unknown
  usage?: Usage | null
  choices?: {
    delta?: {
      content?: string | null
      refusal?: string | null
      tool_calls?: { index: number; id?: string; function?: { name?: string; arguments?: string } }[]
    }
    logprobs?: { content?: Token[] | null } | null
    finish_reason?: string | null
  }[]
}

async function post(body: object, signal: AbortSignal): Promise<Response> {
  const response = await withKey(
    new Request(new URL('/v1/chat/completions', location.origin), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal,
    }),
  )
  if (!response.ok || !response.body) throw errorOf(response, await response.json().catch(() => null))
  return response
}

/** The answer whole: its text, with calls as what they say. Throws ApiError. */
export async function wholeAnswer(request: ChatRequest, signal: AbortSignal): Promise<string> {
  const response = await post(request, signal)
  const { choices } = (await response.json()) as {
    choices: { message: { content: string | null; refusal?: string | null; tool_calls?: Called[] } }[]
  }
  const { content, refusal, tool_calls } = choices[0]?.message ?? { content: null }
  const calls = (tool_calls ?? []).map(({ function: called }) => `${called.name}(${called.arguments})`)
  return [content ?? refusal, ...calls].filter(Boolean).join('\n')
}

/** The answer as it comes. Throws ApiError, also where the stream breaks off before its end. */
export async function* chat(request: ChatRequest, signal: AbortSignal): AsyncGenerator<Piece> {
  const response = await post({ ...request, stream: true, stream_options: { include_usage: true } }, signal)
  if (!response.body) throw new ApiError('The answer has no body.', 0)
  try {
    for await (const data of events(response.body)) {
      if (data === '[DONE]') return
      const chunk = JSON.parse(data) as Chunk
      if (chunk.error) throw errorOf(response, chunk)
      yield pieceOf(chunk)
    }
  } catch (cause) {
    throw signal.aborted || isApiError(cause) ? cause : noAnswer(cause)
  }
  throw new ApiError('The stream ended before the answer did.', 0, 'stream_cut')
}

function pieceOf(chunk: Chunk): Piece {
  const choice = chunk.choices?.[0]
  return {
    text: choice?.delta?.content ?? choice?.delta?.refusal ?? '',
    tokens: choice?.logprobs?.content ?? [],
    calls: (choice?.delta?.tool_calls ?? []).map(({ index, id, function: called }) => ({
      index,
      id: id ?? '',
      name: called?.name ?? '',
      arguments: called?.arguments ?? '',
    })),
    finish: choice?.finish_reason ?? null,
    usage: chunk.usage ?? null,
  }
}
