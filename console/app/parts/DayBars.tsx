/** Bars by day, stacked by group: one focus stop whose arrows move from day to day, read out below. */
import { type KeyboardEvent, type PointerEvent, useState } from 'react'
import type { Bars } from '@/lib/usage'
import styles from './DayBars.module.css'

type Props = {
  days: readonly number[]
  bars: readonly Bars[]
  caption: string
  nameOf: (group: string) => string
  dayName: (dayS: number) => string
  format: (value: number) => string
  /** What is said before a day is pointed at. */
  hint: string
}

const HEIGHT = 100

export function DayBars({ days, bars, caption, nameOf, dayName, format, hint }: Props) {
  const [pointed, setPointed] = useState<number | null>(null)
  // the days may change under the pointer: the one that was pointed at may be among them no more
  const found = pointed === null ? -1 : days.indexOf(pointed)
  const at = found < 0 ? null : found
  const setAt = (index: number) => setPointed(days[Math.min(days.length - 1, Math.max(0, index))] ?? null)
  const sums = days.map((_, index) => bars.reduce((sum, one) => sum + (one.values[index] ?? 0), 0))
  const top = Math.max(...sums, 0)
  const onKeyDown = (event: KeyboardEvent) => {
    const from = at ?? days.length
    const to = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: days.length - 1 }[event.key]
    if (to === undefined) return
    event.preventDefault()
    setAt(to)
  }
  const point = (event: PointerEvent<HTMLElement>) => {
    const { left, width } = event.currentTarget.getBoundingClientRect()
    setAt(Math.floor(((event.clientX - left) / width) * days.length))
  }
  const parts = at === null ? [] : bars.filter((one) => (one.values[at] ?? 0) > 0)
  return (
    <figure className={styles.figure}>
      <figcaption className="hidden-text">{caption}</figcaption>
      <div className={styles.plot}>
        <span className={styles.top}>{format(top)}</span>
        <div
          role="group"
          aria-label={caption}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: one focus stop, whose arrows move from day to day
          tabIndex={0}
          className={styles.area}
          data-own-keys
          onKeyDown={onKeyDown}
          onPointerMove={point}
          onPointerDown={point}
        >
          <svg viewBox={`0 0 ${days.length} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
            {at !== null && <rect className={styles.cursor} x={at} width={1} height={HEIGHT} />}
            {days.map((day, index) => {
              let y = HEIGHT
              return bars.map((one, group) => {
                const height = top ? ((one.values[index] ?? 0) / top) * HEIGHT : 0
                y -= height
                return height > 0 ? (
                  <rect
                    key={`${day} ${one.group}`}
                    data-series={group + 1}
                    className={styles.bar}
                    x={index + 0.12}
                    y={y}
                    width={0.76}
                    height={height}
                  />
                ) : null
              })
            })}
          </svg>
        </div>
        <div className={styles.axis}>
          <span>{days.length ? dayName(days[0] as number) : ''}</span>
          <span>{days.length > 1 ? dayName(days.at(-1) as number) : ''}</span>
        </div>
      </div>
      <p className={styles.reading} aria-live="polite">
        {at === null ? (
          <span className="quiet">{hint}</span>
        ) : (
          <>
            <strong>{dayName(days[at] as number)}</strong> {format(sums[at] ?? 0)}
            {parts.length > 1 && (
              <span className="quiet">
                {' '}
                ({parts.map((one) => `${nameOf(one.group)} ${format(one.values[at] ?? 0)}`).join('; ')})
              </span>
            )}
          </>
        )}
      </p>
      {bars.length > 1 && (
        <ul className={styles.legend}>
          {bars.map((one, group) => (
            <li key={one.group}>
              <svg width="12" height="12" aria-hidden="true">
                <rect className={styles.bar} data-series={group + 1} width="12" height="12" rx="2" />
              </svg>
              {nameOf(one.group)}
            </li>
          ))}
        </ul>
      )}
    </figure>
  )
}
