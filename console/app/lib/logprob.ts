/** Tokens with their log-probabilities, as whole characters to read and steps to colour. Knows no React. */

export type Alternative = { token: string; logprob: number; bytes?: number[] | null }
export type Token = Alternative & { top_logprobs?: Alternative[] }

/** Tokens that are read together: a character's bytes may be spread over several. */
export type Piece = { text: string; logprob: number; tokens: Token[] }

/** From sure to unlikely. */
export const STEPS = 5
const LEAST = [0.9, 0.7, 0.4, 0.15]

export const probability = (logprob: number): number => Math.min(1, Math.exp(logprob))

/** 0 where the model was sure, 4 where the token was unlikely. */
export function stepOf(logprob: number): number {
  const share = probability(logprob)
  const found = LEAST.findIndex((least) => share >= least)
  return found < 0 ? STEPS - 1 : found
}

const encoder = new TextEncoder()
const strict = new TextDecoder('utf-8', { fatal: true })
const lenient = new TextDecoder()
/** No character has more bytes. */
const LONGEST_CHARACTER = 4

/** The tokens as pieces of whole characters. What is no text at all stands as the replacement character. */
export function pieces(tokens: readonly Token[]): Piece[] {
  const found: Piece[] = []
  let held: Token[] = []
  for (const token of tokens) {
    held.push(token)
    const joined = Uint8Array.from(held.flatMap((one) => one.bytes ?? [...encoder.encode(one.token)]))
    const text = decoded(joined)
    if (text === null && joined.length < LONGEST_CHARACTER * 2) continue
    found.push(piece(held, text ?? lenient.decode(joined)))
    held = []
  }
  if (held.length) found.push(piece(held, held.map((one) => one.token).join('')))
  return found
}

const piece = (tokens: Token[], text: string): Piece => ({
  text,
  logprob: tokens.reduce((sum, one) => sum + one.logprob, 0),
  tokens,
})

function decoded(bytes: Uint8Array): string | null {
  try {
    return strict.decode(bytes)
  } catch {
    return null
  }
}
