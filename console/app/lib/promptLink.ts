/**
 * A prompt in a link's fragment, which no browser sends to any server.
 *
 * Packed as deflated JSON in base64url. What comes out of somebody else's link is bounded and checked: it is
 * text to fill a form with, and nothing is asked by opening it. Knows no React.
 */
import { MOST_COLUMNS } from './chatParameters'
import { isShape, NO_SHAPE, type Shape } from './chatShape'
import { isPrompt, MARK } from './heldFragment'

export type Turn = { role: 'user' | 'assistant'; text: string }
/** `systems`: each model's own system prompt, where they do not share one. */
export type Prompt = { system: string; systems: string[] | null; turns: Turn[]; shape: Shape }

/** Longer links are cut by chat and mail programs. */
export const MOST_LINK_CHARS = 8_000
const MOST_PROMPT_CHARS = 400_000
const MOST_TURNS = 200

export async function fragmentOf({ system, systems, turns, shape }: Prompt): Promise<string> {
  const short = {
    s: system,
    e: systems ?? undefined,
    t: turns.map(({ role, text }) => [role, text]),
    f: shape,
  }
  const packed = new Blob([JSON.stringify(short)]).stream().pipeThrough(new CompressionStream('deflate-raw'))
  const bytes = new Uint8Array(await new Response(packed).arrayBuffer())
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
  return MARK + text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

/** Null for what is no prompt, or too much of one. */
export async function promptOf(fragment: string): Promise<Prompt | null> {
  if (!isPrompt(fragment) || fragment.length > 4 * MOST_LINK_CHARS) return null
  try {
    const text = atob(fragment.slice(MARK.length).replaceAll('-', '+').replaceAll('_', '/'))
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0))
    const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'))
    return checked(JSON.parse(await bounded(unpacked)))
  } catch {
    return null
  }
}

async function bounded(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let text = ''
  for (const reader = stream.getReader(); ; ) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    text += decoder.decode(value, { stream: true })
    if (text.length > MOST_PROMPT_CHARS) throw new Error('too long')
  }
}

function checked(value: unknown): Prompt | null {
  const found = value as { s?: unknown; e?: unknown; t?: unknown; f?: unknown } | null
  if (typeof found?.s !== 'string' || !Array.isArray(found.t) || found.t.length > MOST_TURNS) return null
  const turns = found.t.map((turn: unknown): Turn | null => {
    const [role, text] = Array.isArray(turn) ? turn : []
    return (role === 'user' || role === 'assistant') && typeof text === 'string' ? { role, text } : null
  })
  if (turns.includes(null)) return null
  return {
    system: found.s,
    systems: Array.isArray(found.e)
      ? found.e.slice(0, MOST_COLUMNS).map((text: unknown) => (typeof text === 'string' ? text : ''))
      : null,
    turns: turns as Turn[],
    shape: isShape(found.f) ? found.f : NO_SHAPE,
  }
}
