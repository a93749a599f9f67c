/** `POST /v1/chat/completions`, streamed: the request, and what comes of it piece by piece. */
import type { Token } from '@/lib/logprob'
import { isApiError, withKey } from './client'
import { ApiError, errorOf, noAnswer } from './errors'
import { events } from './sse'

export type Role = 'system' | 'user' | 'assistant'
export type Message = { role: Role; content: string }
export type ChatRequest = {
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
}

export type Usage = { prompt_tokens: number; completion_tokens: number }
export type ToolCall = { name: string; arguments: string }
/** What one event adds. */
export type Piece = {
  text: string
  tokens: Token[]
  calls: { index: number; name: string; arguments: string }[]
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
      tool_calls?: { index: number; function?: { name?: string; arguments?: string } }[]
    }
    logprobs?: { content?: Token[] | null } | null
    finish_reason?: string | null
  }[]
}

/** The answer as it comes. Throws ApiError, also where the stream breaks off before its end. */
export async function* chat(request: ChatRequest, signal: AbortSignal): AsyncGenerator<Piece> {
  const response = await withKey(
    new Request(new URL('/v1/chat/completions', location.origin), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...request, stream: true, stream_options: { include_usage: true } }),
      signal,
    }),
  )
  if (!response.ok || !response.body) throw errorOf(response, await response.json().catch(() => null))
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
    calls: (choice?.delta?.tool_calls ?? []).map(({ index, function: called }) => ({
      index,
      name: called?.name ?? '',
      arguments: called?.arguments ?? '',
    })),
    finish: choice?.finish_reason ?? null,
    usage: chunk.usage ?? null,
  }
}
