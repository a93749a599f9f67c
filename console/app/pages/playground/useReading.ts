/** What helps whoever reads along: the page follows an answer that grows, and its end is said once. */
import { type RefObject, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { useT } from '@/i18n'
import { count } from '@/lib/number'
import { isBusy, type Turn } from './conversation'

/** As near as this to the end, the reader wants to stay at the end. */
const NEAR_PX = 160

/** Keeps the end in view while answers come, unless the reader has gone up. */
export function useFollow(turns: Turn[], busy: boolean): void {
  const near = useRef(true)
  const length = useRef(turns.length)
  useEffect(() => {
    const look = () => {
      const { scrollHeight, scrollTop, clientHeight } = document.documentElement
      near.current = scrollHeight - scrollTop - clientHeight < NEAR_PX
    }
    addEventListener('scroll', look, { passive: true })
    return () => removeEventListener('scroll', look)
  }, [])
  useLayoutEffect(() => {
    const asked = turns.length > length.current
    length.current = turns.length
    if (asked || (busy && near.current)) scrollTo({ top: document.documentElement.scrollHeight })
  }, [turns, busy])
}

/** What a screen reader says when answers have ended. */
export function useSpoken(turns: Turn[]): string {
  const t = useT()
  const [spoken, setSpoken] = useState('')
  const before = useRef(new Set<string>())
  useEffect(() => {
    const running = new Set<string>()
    const ended: string[] = []
    for (const turn of turns) {
      if (turn.role === 'user') continue
      for (const [column, answer] of turn.answers.entries()) {
        const key = `${turn.id}/${column}`
        if (isBusy(answer)) running.add(key)
        else if (answer && before.current.has(key)) {
          const tokens = count(answer.usage?.completion_tokens ?? 0)
          const { model } = answer
          ended.push(
            answer.state === 'failed'
              ? t.playground.failed({ model })
              : t.playground.finished({ model, tokens }),
          )
        }
      }
    }
    before.current = running
    if (ended.length) setSpoken(ended.join('. '))
  }, [turns, t])
  return spoken
}

/** The bar at the end of the window covers what scrolls below it: the focus has to know how much. */
export function useCovering(bar: RefObject<HTMLElement | null>): void {
  useLayoutEffect(() => {
    const { style } = document.documentElement
    const observer = new ResizeObserver(() =>
      style.setProperty('--covered', `${bar.current?.offsetHeight ?? 0}px`),
    )
    if (bar.current) observer.observe(bar.current)
    return () => {
      observer.disconnect()
      style.removeProperty('--covered')
    }
  }, [bar])
}
