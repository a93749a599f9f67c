/** What the server said about the job, newest first; the steps only for who asks, a page at a time. */
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Job, JobEvent } from '@/api/client'
import { eventPagesQuery } from '@/api/jobs'
import { every } from '@/api/poll'
import { isLive } from '@/api/states'
import { useT } from '@/i18n'
import { count, moment } from '@/lib/number'
import { Age } from '@/parts/Age'
import { Problem } from '@/parts/Problem'
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
  const pages = useInfiniteQuery({
    ...eventPagesQuery(job.id),
    enabled: steps,
    // the newest page alone: the older ones do not change, and asking for all of them again is a lot
    refetchInterval: (query) =>
      (query.state.data?.pages.length ?? 0) <= 1 ? every(isLive(job))(query) : false,
  })
  const all = steps ? pages.data?.pages.flatMap((page) => page.data) : events
  const found = all?.filter((event) => !level || event.level === level)
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
        <CopyButton
          text={() => (found ?? []).map(line).join('\n')}
          what={t.job.events}
          label={t.events.copyAll}
        />
      </div>
      {steps && pages.error && <Problem error={pages.error} onRetry={pages.refetch} />}
      {!found && !(steps && pages.error) && <Skeleton height="2rem" lines={8} />}
      {found?.length === 0 && <p className="quiet">{t.events.none}</p>}
      <ol
        className={styles.events}
        aria-label={t.events.caption}
        aria-live={isLive(job) && !steps ? 'polite' : undefined}
        aria-relevant="additions" // the ages change all the time
      >
        {found?.slice(0, steps ? undefined : most).map((event) => (
          <Line key={event.id} event={event} />
        ))}
      </ol>
      {!steps && found && found.length > most && (
        <Button onClick={() => setMost(most + 5 * SHOWN)}>
          {t.events.more({ count: count(Math.min(5 * SHOWN, found.length - most)) })}
        </Button>
      )}
      {steps && pages.hasNextPage && (
        <Button busy={pages.isFetchingNextPage} onClick={() => pages.fetchNextPage()}>
          {t.events.older}
        </Button>
      )}
    </>
  )
}

function Line({ event }: { event: JobEvent }) {
  const t = useT()
  return (
    <li data-level={event.level}>
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
  )
}
