/** Which models are asked, and how: in the URL, so that a link shows the same page. Prompts are not in it. */
import { useCallback, useEffect, useMemo } from 'react'
import { useSearch } from '@/frame/useSearch'
import { allFromUrl, allToUrl, hasEach, MOST_COLUMNS, type Parameters_ } from '@/lib/chatParameters'

/** What was last looked at in this tab, for whoever comes back without a link. */
const NAME = 'tunesmith.playground.setup'
const IN_TURN = 'turn'

export type Setup = {
  models: string[]
  /** One for each column; the same ones while they share. */
  parameters: Parameters_[]
  /** Each column has parameters of its own. */
  each: boolean
  apart: boolean
  /** Where answers part from each other is marked. */
  differing: boolean
  setModels: (models: string[]) => void
  setParameters: (parameters: Parameters_, column: number) => void
  setEach: (each: boolean) => void
  /** One model less: the others move up, with what is theirs. */
  dropModel: (column: number) => void
  setApart: (apart: boolean) => void
  setDiffering: (differing: boolean) => void
}

/** `otherwise`: the model of a first visit, once it is known. */
export function useSetup(otherwise: string | undefined): Setup {
  const [search, setSearch] = useSearch()
  const models = useMemo(() => search.getAll('m').slice(0, MOST_COLUMNS), [search])
  const each = hasEach(search) && models.length > 1
  const parameters = useMemo(() => allFromUrl(search, models.length), [search, models.length])
  const change = useCallback(
    (write: (after: URLSearchParams) => void) =>
      setSearch((after) => {
        write(after)
        return after
      }),
    [setSearch],
  )
  const bare = !search.has('m')
  useEffect(() => {
    if (!bare) return sessionStorage.setItem(NAME, search.toString())
    const kept = new URLSearchParams(sessionStorage.getItem(NAME) ?? '')
    if (kept.has('m')) setSearch(() => kept)
    else if (otherwise) change((after) => after.append('m', otherwise))
  }, [bare, search, setSearch, otherwise, change])
  const apart = search.get('run') === IN_TURN
  const differing = search.get('diff') === '1'
  return useMemo(
    () => ({
      models,
      parameters,
      each,
      apart,
      differing,
      setModels: (changed) =>
        change((after) => {
          after.delete('m')
          for (const model of changed) after.append('m', model)
          // one that is added begins with what the first one has
          if (each)
            allToUrl(
              after,
              changed.map((_, at) => parameters[at] ?? (parameters[0] as Parameters_)),
              each,
            )
        }),
      setParameters: (changed, column) =>
        change((after) => allToUrl(after, changedAt(parameters, column, changed), each)),
      setEach: (one) => change((after) => allToUrl(after, parameters, one)),
      dropModel: (column) =>
        change((after) => {
          after.delete('m')
          for (const [at, model] of models.entries()) if (at !== column) after.append('m', model)
          const left = parameters.filter((_, at) => at !== column)
          allToUrl(after, left, each && left.length > 1)
        }),
      setApart: (one) => change((after) => (one ? after.set('run', IN_TURN) : after.delete('run'))),
      setDiffering: (one) => change((after) => (one ? after.set('diff', '1') : after.delete('diff'))),
    }),
    [models, parameters, each, apart, differing, change],
  )
}

/** Colours are shown in all columns or in none. */
const changedAt = (all: readonly Parameters_[], column: number, changed: Parameters_): Parameters_[] =>
  all.map((one, at) => (at === column ? changed : { ...one, logprobs: changed.logprobs }))
