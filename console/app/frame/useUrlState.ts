/** A named part of the URL's query as state: read by a codec, written back without a new history entry. */
import { useCallback, useMemo } from 'react'
import type { Codec } from '@/lib/urlState'
import { useSearch } from './useSearch'

const NOTHING: readonly string[] = []

/** `forgets`: other parts that mean nothing any more once this one has changed, such as the place in a list. */
export function useUrlState<T>(
  name: string,
  codec: Codec<T>,
  forgets: readonly string[] = NOTHING,
): [T, (value: T) => void] {
  const [search, write] = useSearch()
  const raw = search.get(name)
  const value = useMemo(() => codec.read(raw), [codec, raw])
  const set = useCallback(
    (changed: T) =>
      write((after) => {
        const text = codec.write(changed)
        if (text === null) after.delete(name)
        else after.set(name, text)
        for (const other of forgets) after.delete(other)
        return after
      }),
    [codec, name, write, forgets],
  )
  return [value, set]
}
