/** A moment as an age that stays true while one looks; the exact time on hover and for machines. */
import { useEffect, useState } from 'react'
import { useT } from '@/i18n'
import { nowS } from '@/lib/now'
import { ago, moment } from '@/lib/number'

const TICK_MS = 10_000

/** The time now by the server's clock, in Unix seconds, renewed now and then. */
export function useNow(tickMs = TICK_MS): number {
  const [now, setNow] = useState(nowS)
  useEffect(() => {
    const timer = setInterval(() => setNow(nowS()), tickMs)
    return () => clearInterval(timer)
  }, [tickMs])
  return now
}

export function Age({ unixS }: { unixS: number }) {
  useT() // said again in another language
  const now = useNow()
  return (
    <time dateTime={new Date(unixS * 1000).toISOString()} title={moment(unixS)}>
      {ago(Math.min(unixS, now), now)}
    </time>
  )
}
