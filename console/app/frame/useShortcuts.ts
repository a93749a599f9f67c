/** Keys that work anywhere: `?`, `/`, `c`, and `g` followed by a place's letter. They can be turned off. */
import { useLayoutEffect, useRef } from 'react'
import { useLocation, useNavigate } from 'react-router'
import { paths } from '@/paths'
import { isShortcut, useKeys } from './keys'
import { PLACES } from './places'
import { destination, useRouter } from './useSearch'

/** By the time of the presses: how late the page hears of them says nothing about who pressed. */
const CHORD_MS = 1_200

function toSearch(): void {
  document.querySelector<HTMLElement>('main [data-search]')?.focus()
}

export function useShortcuts(showHelp: () => void): void {
  const navigate = useNavigate()
  const router = useRouter()
  const { pathname } = useLocation()
  const chordUntil = useRef(0)
  const searchNext = useRef(false)
  useKeys((event) => {
    if (!isShortcut(event) || (event.target as HTMLElement).closest('[data-own-keys]')) return
    const place = event.timeStamp < chordUntil.current && PLACES.find((one) => one.letter === event.key)
    chordUntil.current = 0
    if (place) navigate(place.to)
    else if (event.key === 'g') chordUntil.current = event.timeStamp + CHORD_MS
    else if (event.key === '?') showHelp()
    else if (event.key === 'c') navigate(paths.newJob())
    else if (event.key !== '/') return
    else if (destination(router).pathname === pathname) toSearch()
    else searchNext.current = true // of the page that is on its way
    event.preventDefault()
  }, 'frame')
  // biome-ignore lint/correctness/useExhaustiveDependencies: another page is there
  useLayoutEffect(() => {
    if (searchNext.current) toSearch()
    searchNext.current = false
  }, [pathname])
}
