/** A link that holds a prompt: how one is made, and what happens when one is opened. Opening asks no model. */
import { useEffect, useState } from 'react'
import { useT } from '@/i18n'
import { forgetFragment, heldFragment } from '@/lib/heldFragment'
import { count } from '@/lib/number'
import { fragmentOf, MOST_LINK_CHARS, type Prompt, promptOf } from '@/lib/promptLink'
import { copied } from '@/ui/copied'
import { toast } from '@/ui/Toast'
import { type Conversation, contentOf } from './conversation'
import { current } from './store'

/** What the first column was told and asked, up to the last question; the draft is the last question. */
export function promptIn({ system, systems, shape, turns }: Conversation, draft: string): Prompt {
  const last = draft ? turns.length : turns.findLastIndex((turn) => turn.role === 'user') + 1
  const told = turns.slice(0, last).map((turn) => {
    if (turn.role === 'user') return { role: turn.role, text: turn.text }
    const answer = turn.answers.find((one) => one !== null)
    return { role: turn.role, text: answer ? contentOf(answer) : '' }
  })
  return { system, systems, shape, turns: draft ? [...told, { role: 'user', text: draft }] : told }
}

export function useCopyLink(): (draft: string) => Promise<void> {
  const t = useT()
  return async (draft) => {
    const words = t.asking.link
    const { system, systems, shape, turns } = current()
    if (![draft, system, shape.tools, ...(systems ?? []), ...turns].some(Boolean))
      return toast(words.nothing, { kind: 'bad' })
    const { origin, pathname, search } = location
    const link = `${origin}${pathname}${search}${await fragmentOf(promptIn(current(), draft))}`
    if (link.length > MOST_LINK_CHARS) {
      return toast(words.tooLong({ chars: count(link.length), most: count(MOST_LINK_CHARS) }), {
        kind: 'bad',
      })
    }
    await copied(link)
    toast(words.copied)
  }
}

export type Arrived = { prompt: Prompt; forget: () => void }

/** What the link brought, until somebody decides; `take` fills it in where nothing stands in its way. */
export function useArrived(take: (prompt: Prompt) => void): Arrived | null {
  const t = useT()
  const [fragment, setFragment] = useState(heldFragment)
  const [prompt, setPrompt] = useState<Prompt | null>(null)
  useEffect(() => {
    // a link pasted into this very tab changes the fragment alone
    const look = () => setFragment(heldFragment())
    addEventListener('hashchange', look)
    return () => removeEventListener('hashchange', look)
  }, [])
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each link
  useEffect(() => {
    if (fragment === null) return
    let here = true
    promptOf(fragment).then((found) => {
      if (!here) return
      forgetFragment()
      setFragment(null)
      if (!found) return toast(t.asking.link.broken, { kind: 'bad' })
      const { turns, system, systems } = current()
      if (turns.length || [system, ...(systems ?? [])].some((text) => text.trim())) return setPrompt(found)
      take(found)
      toast(t.asking.link.filled)
    })
    return () => {
      here = false
    }
  }, [fragment])
  return prompt && { prompt, forget: () => setPrompt(null) }
}
