/** What the server is and has, where it tells. */
import { queryOptions } from '@tanstack/react-query'
import { optional, type Schemas } from './client'

export type ServerInfo = Schemas['ServerInfo']
export type BaseInfo = Schemas['BaseInfo']

/** Null where the server has no such call. */
export const serverQuery = () =>
  queryOptions({
    queryKey: ['server'],
    queryFn: async ({ signal }) => (await optional('/v1/server', { signal })) as ServerInfo | null,
    staleTime: 10_000,
  })

export const hasPrices = ({ prices }: ServerInfo): boolean =>
  prices.device_hour > 0 ||
  Object.values(prices.models).some((price) => Object.values(price).some((one) => (one ?? 0) > 0))

/** The base with the fewest parameters. */
export const smallestBase = (server: ServerInfo | null | undefined): string | undefined =>
  server?.bases.length
    ? server.bases.reduce((least, base) => (base.n_parameters < least.n_parameters ? base : least)).id
    : undefined
