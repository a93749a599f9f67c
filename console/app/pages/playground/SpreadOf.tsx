/** "Five times" at an answer: the button that asks, and what came of it. */
import { lazy, type ReactNode, Suspense, useSyncExternalStore } from 'react'
import { useT } from '@/i18n'
import { Button } from '@/ui/Button'
import { type How, requestOf } from './session'
import { ask, close, promptOf, type Spread, stop, TIMES, useSpread } from './spread'
import { current, subscribe } from './store'

const SpreadView = lazy(() => import('./SpreadView'))

export function useSpreadButton(id: number, column: number, model: string, how: How, who: string): ReactNode {
  const t = useT()
  const spread = useSpread(id, column)
  if (spread) return null
  return (
    <Button
      kind="quiet"
      small
      title={t.asking.spread.ask({ who })}
      onClick={() => start(id, column, model, how)}
    >
      ×{TIMES}
      <span className="hidden-text"> {t.asking.spread.ask({ who })}</span>
    </Button>
  )
}

function start(id: number, column: number, model: string, how: How): void {
  const request = requestOf(id, column, model, how.asked(column))
  if (request) ask(id, column, request)
}

type Props = { turnId: number; column: number; model: string; how: How }

export function SpreadOf(props: Props) {
  const { turnId, column } = props
  const spread = useSpread(turnId, column)
  return spread ? <Shown {...props} spread={spread} /> : null
}

function Shown({ turnId, column, model, how, spread }: Props & { spread: Spread }) {
  useSyncExternalStore(subscribe, current) // an earlier turn may change, and with it the prompt
  const request = requestOf(turnId, column, model, how.asked(column))
  return (
    <Suspense fallback={null}>
      <SpreadView
        spread={spread}
        current={request !== null && promptOf(request) === spread.prompt}
        greedy={how.asked(column).temperature === 0}
        onStop={() => stop(turnId, column)}
        onAgain={() => start(turnId, column, model, how)}
        onClose={() => close(turnId, column)}
      />
    </Suspense>
  )
}
