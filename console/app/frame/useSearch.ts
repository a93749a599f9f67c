/**
 * The query of the URL as state, and the one way to change it in place, without a new history entry.
 *
 * The router shows a changed URL a moment later than it was asked to. A field whose text lives there would lose
 * letters to whoever types quickly, so what was written is given back at once. Writing builds on what the router
 * has been asked for last, and does nothing once another page has been asked for: a late word of a page that is
 * being left would call it back.
 */
import { useCallback, useContext, useLayoutEffect, useMemo, useState } from 'react'
import { UNSAFE_DataRouterContext, useLocation, useNavigate } from 'react-router'
import { BASENAME } from '@/paths'

export type WriteSearch = (change: (before: URLSearchParams) => URLSearchParams) => void

/** The router itself: its state is ahead of what is drawn. */
export function useRouter() {
  const context = useContext(UNSAFE_DataRouterContext)
  if (!context) throw new Error('outside of the router')
  return context.router
}
export type Router = ReturnType<typeof useRouter>

/** Where the page will be once the router has done what it was asked to. */
export function destination({ state }: Router): { pathname: string; search: string } {
  const { pathname, search } = state.navigation.location ?? state.location
  return { pathname: pathname.slice(BASENAME.length) || '/', search }
}

export function useSearch(): [URLSearchParams, WriteSearch] {
  const router = useRouter()
  const navigate = useNavigate()
  const { pathname, search: drawn } = useLocation()
  const [written, setWritten] = useState<string | null>(null)
  useLayoutEffect(() => {
    const { navigation, location } = router.state
    if (written !== null && navigation.state === 'idle' && location.search === drawn) setWritten(null)
  }, [written, drawn, router])
  const text = written ?? drawn
  const search = useMemo(() => new URLSearchParams(text), [text])
  const write = useCallback<WriteSearch>(
    (change) => {
      const aim = destination(router)
      if (aim.pathname !== pathname) return
      const after = change(new URLSearchParams(aim.search))
      const changed = after.size ? `?${after}` : ''
      setWritten(changed)
      if (changed !== aim.search) navigate({ search: changed }, { replace: true, preventScrollReset: true })
    },
    [router, navigate, pathname],
  )
  return [search, write]
}
