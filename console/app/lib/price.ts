/** What an answer cost, by the prices that the server tells. Knows no React. */

export type Price = { input: number; cached_input: number | null; output: number }
export type Counted = {
  prompt_tokens: number
  completion_tokens: number
  prompt_tokens_details?: { cached_tokens?: number }
}

/** Prices are for so many tokens. */
const PER_TOKENS = 1_000_000

/** A model's own price, else its base's, else that of `*`; null where nothing costs anything. */
export function priceOf(prices: Readonly<Record<string, Price>>, model: string): Price | null {
  const names = [model]
  if (model.startsWith('ft:')) names.push(model.split(':')[1] as string)
  const found = [...names, '*'].map((name) => prices[name]).find((price) => price !== undefined)
  return found && (found.input || found.output) ? found : null
}

export function costOf(
  { prompt_tokens, completion_tokens, prompt_tokens_details }: Counted,
  price: Price,
): number {
  const cached = prompt_tokens_details?.cached_tokens ?? 0
  const input = (prompt_tokens - cached) * price.input + cached * (price.cached_input ?? price.input)
  return (input + completion_tokens * price.output) / PER_TOKENS
}
