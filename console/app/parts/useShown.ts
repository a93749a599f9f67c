/** For work that ends later: what a part of the page is about at that moment, null once it is gone. */
import { useEffect, useRef } from 'react'

export function useShown<T>(what: T): { readonly current: T | null } {
  const shown = useRef<T | null>(what)
  useEffect(() => {
    shown.current = what
    return () => {
      shown.current = null
    }
  }, [what])
  return shown
}
