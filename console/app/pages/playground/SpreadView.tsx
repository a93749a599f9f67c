/** How much a model's answers to one prompt vary: the distinct ones, with how often each came. */
import { useEffect, useRef } from 'react'
import { useT } from '@/i18n'
import { count } from '@/lib/number'
import { harmless } from '@/lib/visible'
import { Problem } from '@/parts/Problem'
import { Button } from '@/ui/Button'
import styles from './Spread.module.css'
import { groups, type Spread } from './spread'

type Props = {
  spread: Spread
  /** The same would be asked today. */
  current: boolean
  greedy: boolean
  onStop: () => void
  onAgain: () => void
  onClose: () => void
}

export default function SpreadView({ spread, current, greedy, onStop, onAgain, onClose }: Props) {
  const t = useT()
  const words = t.asking.spread
  const { runs, busy, stopped } = spread
  const found = groups(runs)
  const done = runs.filter(({ text }) => text !== null).length
  const failed = runs.find(({ error }) => error)?.error
  const all = count(runs.length)
  const title = words.title({ count: all })
  const box = useRef<HTMLElement>(null)
  // whoever asked for it is led to it: it may begin below what is in view
  useEffect(() => box.current?.scrollIntoView({ block: 'nearest' }), [])
  return (
    <section ref={box} className={styles.spread} aria-label={title} aria-busy={busy}>
      <div className={styles.head}>
        <h2>{title}</h2>
        <span className={styles.tools}>
          {busy ? (
            <Button small icon="stop" onClick={onStop}>
              {words.stop}
            </Button>
          ) : (
            <Button small icon="again" onClick={onAgain}>
              {words.again}
            </Button>
          )}
          <Button small kind="quiet" icon="close" aria-label={words.close} onClick={onClose} />
        </span>
      </div>
      <p role="status">
        {busy
          ? words.progress({ done: count(done), all })
          : [
              stopped && words.stopped,
              done > 0 && words.distinct({ distinct: found.length, all: count(done) }),
              greedy && words.greedy,
              !current && words.changed,
            ]
              .filter(Boolean)
              .join(' ')}
      </p>
      {failed !== undefined && failed !== null && <Problem error={failed} />}
      <ol className={styles.groups}>
        {found.map(({ text, seeds }) => (
          <li key={text} className={styles.group}>
            <div className={styles.share}>
              <meter min={0} max={runs.length} value={seeds.length} aria-hidden="true" />
              <span>{words.times({ count: count(seeds.length), all: count(done) })}</span>
              <span className={styles.seeds}>
                {words.seeds({ seeds: seeds.join(', '), count: seeds.length })}
              </span>
            </div>
            <div className={styles.text}>
              {text ? harmless(text) : <span className="quiet">{words.empty}</span>}
            </div>
          </li>
        ))}
      </ol>
    </section>
  )
}
