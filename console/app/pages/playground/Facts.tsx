/** What is known of an answer besides its text: how it ended, what it took, and what it cost. */
import { useQuery } from '@tanstack/react-query'
import { serverQuery } from '@/api/server'
import { useT } from '@/i18n'
import { count, money, wait } from '@/lib/number'
import { costOf, priceOf } from '@/lib/price'
import { type Answer, speedOf } from './conversation'
import styles from './Transcript.module.css'

export function Facts({ answer }: { answer: Answer }) {
  const t = useT()
  const { data: server } = useQuery({ ...serverQuery(), staleTime: 60_000 })
  const { usage, firstMs, alone, seed, state, finish, edited, continued, model } = answer
  const speed = speedOf(answer)
  const words = t.playground
  const price = server ? priceOf(server.prices.models, model) : null
  return (
    <p className={styles.facts}>
      {edited && <span>{words.edited}</span>}
      {continued && <span title={t.asking.goOn.continuedHint}>{t.asking.goOn.continued}</span>}
      {state === 'stopped' && <span>{words.stopped}</span>}
      {finish === 'length' && <span>{words.cutAtLimit}</span>}
      {usage && (
        <span>
          {words.tokens({ count: count(usage.completion_tokens) })} (
          {words.promptTokens({ count: count(usage.prompt_tokens) })})
        </span>
      )}
      {usage && price && server && <span>{money(costOf(usage, price), server.prices.currency)}</span>}
      {firstMs !== null && <span>{words.firstToken({ ms: wait(firstMs) })}</span>}
      {speed !== null && <span>{words.speed({ speed: count(Math.round(speed * 10) / 10) })}</span>}
      {seed !== null && !continued && <span>{words.seed({ seed: `${seed}` })}</span>}
      {firstMs !== null && alone === false && (
        <span className={styles.shared} title={words.sharedHint}>
          {words.shared}
        </span>
      )}
    </p>
  )
}
