/** Models, as a query, and what a name says. */
import { queryOptions } from '@tanstack/react-query'
import { api, body, isApiError, type Model, type Schemas } from './client'

export const modelsQuery = () =>
  queryOptions({
    queryKey: ['models'],
    queryFn: ({ signal }) => body(api.GET('/v1/models', { signal })),
    staleTime: 10_000,
  })

export type DetailedModel = Schemas['DetailedModel']
export type ModelDetails = Schemas['ModelDetails']

/** Asked again this often: an engine starts, an adapter is loaded by its first request. */
const AGAIN_MS = 10_000

const retrieve = (name: string, signal: AbortSignal): Promise<DetailedModel> =>
  body(
    api.GET('/v1/models/{model}', {
      params: { path: { model: name }, query: { include: 'details' } },
      signal,
    }),
  )

export const isMissing = (error: unknown): boolean => isApiError(error) && error.status === 404

/** One model, with what the server knows of it besides OpenAI's object. */
export const modelQuery = (name: string) =>
  queryOptions({
    queryKey: ['model', name],
    queryFn: ({ signal }) => retrieve(name, signal),
    // a name that nobody has gets no other answer by being asked for again
    refetchInterval: ({ state }) => (isMissing(state.error) ? false : AGAIN_MS),
  })

/** A model that another one began from; without an object of its own once it is deleted. */
export type Ancestor = { name: string; model: DetailedModel | null }
const MOST_ANCESTORS = 12

/** What a model began from, and what that began from: the base first, the model's own beginning last. */
export const ancestorsQuery = (model: DetailedModel | undefined) =>
  queryOptions({
    queryKey: ['ancestors', model?.id ?? ''],
    queryFn: async ({ signal }) => {
      const found: Ancestor[] = []
      let name = model?.details?.trained_from
      while (name && found.length < MOST_ANCESTORS) {
        const one: Ancestor = { name, model: await existing(name, signal) }
        found.unshift(one)
        name = one.model?.details?.trained_from
      }
      return found
    },
    enabled: model !== undefined,
    staleTime: 60_000,
  })

async function existing(name: string, signal: AbortSignal): Promise<DetailedModel | null> {
  try {
    return await retrieve(name, signal)
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

export const isTuned = (model: Model): boolean => model.id.startsWith('ft:')
/** A base under its own name, not under one of OpenAI's. */
export const isBase = (model: Model): boolean => model.id === model.served_by

/** `support-bot` of `ft:gpt-4o-mini-2024-07-18:personal:support-bot:9xAbCdEf`; null without a suffix. */
export function suffixOf(name: string): string | null {
  const parts = name.split(':')
  return parts[0] === 'ft' ? parts[3] || null : null
}

/** `gpt-4o-mini-2024-07-18` of the same; of a base itself, its name. */
export const baseOf = (name: string): string => (name.startsWith('ft:') ? (name.split(':')[1] ?? name) : name)
