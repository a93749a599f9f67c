/** A text whose tokens are coloured by how sure the model was; pointer or arrow keys show the alternatives. */
import { type KeyboardEvent, useId, useMemo, useRef, useState } from 'react'
import { useT } from '@/i18n'
import { type Alternative, pieces, probability, STEPS, stepOf, type Token } from '@/lib/logprob'
import { percent } from '@/lib/number'
import { harmless, visible } from '@/lib/visible'
import styles from './LogprobText.module.css'

export function LogprobText({ tokens, label }: { tokens: readonly Token[]; label: string }) {
  const t = useT()
  const id = useId()
  const text = useRef<HTMLDivElement>(null)
  const [at, setAt] = useState<number | null>(null)
  const shown = useMemo(() => pieces(tokens), [tokens])
  const piece = at === null ? undefined : shown[at]

  const onKeyDown = (event: KeyboardEvent) => {
    const from = at ?? -1
    const to = { ArrowRight: from + 1, ArrowLeft: from - 1, Home: 0, End: shown.length - 1 }[event.key]
    if (to === undefined) return
    event.preventDefault()
    setAt(Math.min(shown.length - 1, Math.max(0, to)))
  }
  const point = (target: EventTarget) => {
    const index = (target as HTMLElement).dataset?.at
    if (index !== undefined) setAt(Number(index))
  }
  return (
    <div className={styles.view}>
      <div
        ref={text}
        role="listbox"
        aria-label={label}
        aria-orientation="horizontal"
        aria-activedescendant={at === null ? undefined : `${id}-${at}`}
        tabIndex={0}
        className={styles.text}
        data-own-keys
        onKeyDown={onKeyDown}
        onPointerOver={(event) => point(event.target)}
        onPointerDown={(event) => point(event.target)}
      >
        {shown.map((one, index) => (
          // biome-ignore lint/a11y/useFocusableInteractive: the list has the focus and names its active token
          <span
            key={index}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === at}
            data-at={index}
            data-step={stepOf(one.logprob)}
          >
            {harmless(one.text)}
          </span>
        ))}
      </div>
      <div className={styles.detail} aria-live="polite">
        {piece ? (
          <>
            <p>
              <code className={styles.token}>{visible(piece.text)}</code>{' '}
              {t.playground.logprob.share({ share: share(piece.logprob) })}
            </p>
            {piece.tokens[0]?.top_logprobs?.length ? (
              <Alternatives chosen={piece.tokens[0]} found={piece.tokens[0].top_logprobs} />
            ) : null}
          </>
        ) : (
          <p className="quiet">{t.playground.logprob.pick}</p>
        )}
      </div>
    </div>
  )
}

const share = (logprob: number) => percent(probability(logprob), 1)

function Alternatives({ chosen, found }: { chosen: Token; found: Alternative[] }) {
  const t = useT()
  return (
    <ol className={styles.alternatives} aria-label={t.playground.logprob.instead}>
      {found.map((one, index) => (
        <li key={index} data-chosen={one.token === chosen.token || undefined}>
          <code className={styles.token}>{visible(one.token)}</code>
          <meter min={0} max={1} value={probability(one.logprob)} aria-hidden="true" />
          <span className={styles.share}>{share(one.logprob)}</span>
        </li>
      ))}
    </ol>
  )
}

export function LogprobLegend() {
  const t = useT()
  const words = ['> 90 %', '70–90 %', '40–70 %', '15–40 %', '< 15 %']
  return (
    <p className={styles.legend}>
      <span>{t.playground.logprob.legend}:</span>
      {Array.from({ length: STEPS }, (_, step) => (
        <span key={step} className={styles.sample}>
          <span data-step={step}>{words[step]}</span>
        </span>
      ))}
    </p>
  )
}
