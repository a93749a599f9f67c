/** How far something has come: what is seen changes all the time, what is heard only with each tenth of the way. */
import { useState } from 'react'

type Props = {
  words: string
  /** From 0 to 1. */
  share: number
  /** Another phase is heard at once. */
  phase?: string
}

export const tenth = (share: number): number => Math.floor(Math.min(1, share) * 10)

export function Heard({ words, share, phase = '' }: Props) {
  const at = `${phase} ${tenth(share)}`
  const [heard, setHeard] = useState({ at, words })
  if (heard.at !== at) setHeard({ at, words })
  return (
    <span>
      <span aria-hidden="true">{words}</span>
      <span className="hidden-text" role="status">
        {heard.words}
      </span>
    </span>
  )
}
