/** What the server said about the job, newest first. */
import { useState } from 'react'
import type { Job, JobEvent } from '@/api/client'
import { isLive } from '@/api/states'
import { useT } from '@/i18n'
import { count, moment } from '@/lib/number'
import { Age } from '@/parts/Age'
import { Button } from '@/ui/Button'
import { CopyButton } from '@/ui/CopyButton'
import { Check, Select } from '@/ui/Field'
import { Icon } from '@/ui/Icon'
import { Skeleton } from '@/ui/Skeleton'
import styles from './Events.module.css'

const SHOWN = 200

const line = (event: JobEvent) =>
  `${new Date(event.created_at * 1000).toISOString()} ${event.level} ${event.message}`

export function Events({ job, events }: { job: Job; events: JobEvent[] | undefined }) {
  const t = useT()
  const [level, setLevel] = useState('')
  const [steps, setSteps] = useState(false)
  const [most, setMost] = useState(SHOWN)
  if (!events) return <Skeleton height="2rem" lines={8} />
  const found = events.filter(
    (event) => (!level || event.level === level) && (steps || event.type !== 'metrics'),
  )
  return (
    <>
      <div className={styles.bar}>
        <Select
          className={styles.level}
          aria-label={t.events.level}
          value={level}
          onChange={(event) => setLevel(event.target.value)}
        >
          <option value="">{t.events.allLevels}</option>
          {Object.entries(t.events.levels).map(([name, label]) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
        </Select>
        <Check
          label={t.events.withMetrics}
          checked={steps}
          onChange={(event) => setSteps(event.target.checked)}
        />
        <CopyButton text={() => found.map(line).join('\n')} what={t.job.events} label={t.events.copyAll} />
      </div>
      {!found.length && <p className="quiet">{t.events.none}</p>}
      <ol
        className={styles.events}
        aria-label={t.events.caption}
        aria-live={isLive(job) ? 'polite' : undefined}
      >
        {found.slice(0, most).map((event) => (
          <li key={event.id} data-level={event.level}>
            <span className={styles.when}>
              <span>{moment(event.created_at)}</span>
              <span className="quiet">
                <Age unixS={event.created_at} />
              </span>
            </span>
            <span className={styles.message}>
              {event.level !== 'info' && (
                <strong className={styles.word}>
                  <Icon name="warn" size={14} /> {t.events.levels[event.level]}
                </strong>
              )}
              {event.message}
            </span>
          </li>
        ))}
      </ol>
      {found.length > most && (
        <Button onClick={() => setMost(most + 5 * SHOWN)}>
          {t.events.more({ count: count(Math.min(5 * SHOWN, found.length - most)) })}
        </Button>
      )}
    </>
  )
}
