/** A named part of the URL's query as state: read by a codec, written back without a new history entry. */
import { useCallback, useMemo } from 'react'
import { useSearchParams } from 'react-router'
import type { Codec } from '@/lib/urlState'

export function useUrlState<T>(name: string, codec: Codec<T>): [T, (value: T) => void] {
  const [search, setSearch] = useSearchParams()
  const raw = search.get(name)
  const value = useMemo(() => codec.read(raw), [codec, raw])
  const set = useCallback(
    (changed: T) =>
      setSearch(
        (before) => {
          const after = new URLSearchParams(before)
          const text = codec.write(changed)
          if (text === null) after.delete(name)
          else after.set(name, text)
          return after
        },
        { replace: true, preventScrollReset: true },
      ),
    [codec, name, setSearch],
  )
  return [value, set]
}
