/** Which models are asked, and how: in the URL, so that a link shows the same page. Prompts are not in it. */
import { useCallback, useEffect, useMemo } from 'react'
import { useSearch } from '@/frame/useSearch'
import { fromUrl, type Parameters_, toUrl } from '@/lib/chatParameters'
import { MOST_COLUMNS } from './conversation'

/** What was last looked at in this tab, for whoever comes back without a link. */
const NAME = 'tunesmith.playground.setup'
const IN_TURN = 'turn'

export type Setup = {
  models: string[]
  parameters: Parameters_
  apart: boolean
  /** Where answers part from each other is marked. */
  differing: boolean
  setModels: (models: string[]) => void
  setParameters: (parameters: Parameters_) => void
  setApart: (apart: boolean) => void
  setDiffering: (differing: boolean) => void
}

/** `otherwise`: the model of a first visit, once it is known. */
export function useSetup(otherwise: string | undefined): Setup {
  const [search, setSearch] = useSearch()
  const models = useMemo(() => search.getAll('m').slice(0, MOST_COLUMNS), [search])
  const parameters = useMemo(() => fromUrl(search), [search])
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
      apart,
      differing,
      setModels: (changed) =>
        change((after) => {
          after.delete('m')
          for (const model of changed) after.append('m', model)
        }),
      setParameters: (changed) => change((after) => toUrl(after, changed)),
      setApart: (one) => change((after) => (one ? after.set('run', IN_TURN) : after.delete('run'))),
      setDiffering: (one) => change((after) => (one ? after.set('diff', '1') : after.delete('diff'))),
    }),
    [models, parameters, apart, differing, change],
  )
}
