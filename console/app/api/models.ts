/** Models, as a query, and what a name says. */
import { queryOptions } from '@tanstack/react-query'
import { api, body, type Model } from './client'

export const modelsQuery = () =>
  queryOptions({
    queryKey: ['models'],
    queryFn: ({ signal }) => body(api.GET('/v1/models', { signal })),
    staleTime: 10_000,
  })

export const isTuned = (model: Model): boolean => model.id.startsWith('ft:')
/** A base under its own name, not under one of OpenAI's. */
export const isBase = (model: Model): boolean => model.id === model.served_by

/** `support-bot` of `ft:gpt-4o-mini-2024-07-18:personal:support-bot:9xAbCdEf`; null without a suffix. */
export function suffixOf(name: string): string | null {
  const parts = name.split(':')
  return parts[0] === 'ft' ? parts[3] || null : null
}
