/** What the job would take: rows, tokens, steps, time, memory, money; and what stands in its way. */
import { type ReactNode, useId } from 'react'
import { ApiError, sentence } from '@/api/errors'
import type { Estimate } from '@/api/estimate'
import { type Messages, useT } from '@/i18n'
import { bytes, count, duration, money, percent } from '@/lib/number'
import { warningText } from '@/lib/reasons'
import { Problem } from '@/parts/Problem'
import { Icon } from '@/ui/Icon'
import { Skeleton } from '@/ui/Skeleton'
import styles from './Forecast.module.css'
import type { Forecast } from './useForecast'

export function ForecastView({ forecast }: { forecast: Forecast }) {
  const t = useT()
  const id = useId()
  const { estimate, stale, error, lacks, retry } = forecast
  return (
    <section className={styles.forecast} aria-labelledby={id} aria-busy={stale}>
      <h3 id={id}>{t.forecast.title}</h3>
      {lacks === 'files' ? (
        <p className="quiet">{t.forecast.needsData}</p>
      ) : error ? (
        <Problem error={error} onRetry={retry} />
      ) : estimate === undefined ? (
        <p className="quiet">{t.forecast.none}</p>
      ) : estimate === null ? (
        lacks ? (
          <p className="quiet">{t.forecast.needsValues}</p>
        ) : (
          <Skeleton height="1.4rem" lines={6} />
        )
      ) : (
        <div className={styles.body} data-stale={stale || lacks !== null || undefined}>
          {lacks && <p className="quiet">{t.forecast.needsValues}</p>}
          <Known estimate={estimate} />
        </div>
      )}
    </section>
  )
}

function Known({ estimate }: { estimate: Estimate }) {
  const t = useT()
  const { would_fail, warnings, progress, status, seconds, memory } = estimate
  return (
    <>
      {would_fail && (
        <div className={styles.fails} role="status">
          <p>
            <Icon name="warn" /> {t.forecast.wouldFail}
          </p>
          <p>{sentence(new ApiError(would_fail.message, 400, would_fail.code, would_fail.param), t)}</p>
          <p className={styles.theirs}>{would_fail.message}</p>
        </div>
      )}
      {status === 'in_progress' && (
        <p className="quiet" role="status">
          {progress?.lines_total
            ? t.forecast.readingLines({
                done: count(progress.lines_done),
                total: count(progress.lines_total),
              })
            : t.forecast.reading}
        </p>
      )}
      <dl className={styles.facts}>
        {factsOf(estimate, t).map(([name, value, more]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {value}
              {more && <span className={styles.more}>{more}</span>}
            </dd>
          </div>
        ))}
      </dl>
      {memory && <Memory memory={memory} />}
      {warnings.length > 0 && (
        <ul className={styles.warnings} aria-label={t.forecast.warnings}>
          {warnings.map((warning) => (
            <li key={warning.message}>
              <Icon name="warn" size={14} />
              <span>{warningText(warning, t)}</span>
            </li>
          ))}
        </ul>
      )}
      {seconds && (
        <p className={styles.basis}>
          {seconds.basis === 'earlier_jobs'
            ? t.forecast.fromJobs({ count: seconds.n_earlier_jobs })
            : t.forecast.rough}
        </p>
      )}
    </>
  )
}

type Fact = [name: string, value: ReactNode, more?: string]

function factsOf(estimate: Estimate, t: Messages): Fact[] {
  const { n_examples, n_valid_examples, tokens, steps, seconds, cost, queue } = estimate
  const words = t.forecast
  const facts: Fact[] = []
  if (seconds) facts.push([words.time, <strong key="time">{between(seconds, duration)}</strong>])
  if (cost) {
    facts.push([
      words.cost,
      <strong key="cost">{between(cost, (value) => money(value, cost.currency))}</strong>,
    ])
  }
  if (steps) {
    const epochs = Math.round(steps.total / Math.max(1, steps.per_epoch))
    facts.push([
      words.steps,
      count(steps.total),
      words.epochs({ epochs: count(epochs), steps: count(steps.per_epoch) }),
    ])
  }
  if (n_examples !== null) {
    const held = n_valid_examples === null ? undefined : words.validRows({ count: count(n_valid_examples) })
    facts.push([words.rows, count(n_examples), held])
  }
  if (tokens) {
    facts.push(
      [words.tokens, count(tokens.total)],
      [
        words.trained,
        count(tokens.trained_total),
        tokens.total ? percent(tokens.trained_total / tokens.total) : undefined,
      ],
      [
        words.cut,
        tokens.n_cut ? count(tokens.n_cut) : t.shared.none,
        words.longest({ longest: count(tokens.longest), room: count(tokens.context_length) }),
      ],
    )
  }
  facts.push([words.starts, queue.n_ahead ? words.afterJobs({ count: queue.n_ahead }) : words.atOnce])
  return facts
}

/** `12 s – 38 s`; one value where both read the same. */
function between({ low, high }: { low: number; high: number }, format: (value: number) => string): string {
  const [least, most] = [format(low), format(high)]
  return least === most ? least : `${least} – ${most}`
}

/** What it takes of what is free: the sure part filled, what it may take besides hatched. */
function Memory({ memory }: { memory: NonNullable<Estimate['memory']> }) {
  const t = useT()
  const { low_bytes, high_bytes, free_bytes, fits } = memory
  const whole = Math.max(high_bytes, free_bytes, 1)
  const share = (value: number) => `${(100 * value) / whole}%`
  const sentence = t.forecast.memoryOf({
    low: bytes(low_bytes),
    high: bytes(high_bytes),
    free: bytes(free_bytes),
    device: memory.device,
  })
  const verdict =
    fits === true ? t.forecast.fits : fits === false ? t.forecast.fitsNot : t.forecast.fitsPerhaps
  return (
    <div className={styles.memory} data-fits={`${fits}`}>
      <p>
        <span className={styles.name}>{t.forecast.memory}</span> <strong>{verdict}</strong>
      </p>
      <div className={styles.bar} aria-hidden="true">
        <span style={{ inlineSize: share(low_bytes) }} />
        <span data-perhaps style={{ inlineSize: share(high_bytes - low_bytes) }} />
        {high_bytes > free_bytes && <i style={{ insetInlineStart: share(free_bytes) }} />}
      </div>
      <p className={styles.more}>{sentence}</p>
    </div>
  )
}
