/** The list of fine-tuning jobs: find a run, compare a few, begin another. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Outlet, useNavigate, useSearchParams } from 'react-router'
import { jobsQuery } from '@/api/jobs'
import { STATUSES } from '@/api/states'
import { Page } from '@/frame/Page'
import { useUrlState } from '@/frame/useUrlState'
import { useT } from '@/i18n'
import { oneOf, text } from '@/lib/urlState'
import { Problem } from '@/parts/Problem'
import { paths } from '@/paths'
import { Button, ButtonLink } from '@/ui/Button'
import { Input, Select } from '@/ui/Field'
import { Pager } from '@/ui/Pager'
import { Skeleton } from '@/ui/Skeleton'
import { asked, LIVE, matches } from './filter'
import styles from './Jobs.module.css'
import { JobsEmpty } from './JobsEmpty'
import { JobsTable } from './JobsTable'

const MOST_COMPARED = 8
const STATUS = oneOf('', LIVE, ...STATUSES)
/** Another filter begins at its first page. */
const PLACE = ['after', 'before']

export function Jobs() {
  const t = useT()
  const navigate = useNavigate()
  const [search] = useSearchParams()
  const [status, setStatus] = useUrlState('status', STATUS, PLACE)
  const [q, setQ] = useUrlState('q', text, PLACE)
  const wanted = {
    status,
    q,
    after: search.get('after') ?? undefined,
    before: search.get('before') ?? undefined,
  }
  const [ticked, setTicked] = useState<string[]>([])
  const { data, error, refetch } = useQuery(jobsQuery(asked(wanted)))
  const page = data?.data ?? []
  const shown = page.filter((job) => matches(job, wanted))
  const filtered = Boolean(status || q)
  const filteredHere = filtered && data?.has_more && shown.length < page.length
  // a page behind a cursor has one before it; one in front of a cursor says itself whether it has
  const hasNewer = Boolean(wanted.after) || Boolean(wanted.before && data?.has_more)
  const hasOlder = wanted.before ? true : Boolean(data?.has_more)

  const tick = (id: string) =>
    setTicked((before) => (before.includes(id) ? before.filter((one) => one !== id) : [...before, id]))
  const whyNotCompare =
    ticked.length < 2 ? t.jobs.compareNone : ticked.length > MOST_COMPARED ? t.jobs.compareMany : undefined
  const compare = () => {
    const [first, ...others] = ticked as [string, ...string[]]
    navigate(paths.job(first, { vs: others.join(',') }))
  }
  return (
    <Page
      title={t.jobs.title}
      actions={
        <ButtonLink kind="main" icon="plus" to={paths.newJob()}>
          {t.jobs.create}
        </ButtonLink>
      }
    >
      {error !== null && <Problem error={error} onRetry={refetch} />}
      {data && !page.length && !wanted.after && !wanted.before && !filtered ? (
        <JobsEmpty />
      ) : (
        <>
          <div className={styles.bar}>
            <Input
              type="search"
              className={styles.search}
              data-search
              aria-label={t.jobs.search}
              placeholder={t.jobs.search}
              value={q}
              onChange={(event) => setQ(event.target.value)}
            />
            <Select
              className={styles.status}
              aria-label={t.jobs.status}
              value={status}
              onChange={(event) => setStatus(STATUS.read(event.target.value))}
            >
              <option value="">{t.jobs.allStates}</option>
              <option value={LIVE}>{t.jobs.live}</option>
              {STATUSES.map((one) => (
                <option key={one} value={one}>
                  {t.states.names[one]}
                </option>
              ))}
            </Select>
            <span className={styles.space} />
            <Button onClick={compare} disabledReason={whyNotCompare}>
              {t.jobs.compare({ count: ticked.length })}
            </Button>
          </div>
          {!data && !error && <Skeleton height="2.6rem" lines={8} />}
          {shown.length > 0 && <JobsTable jobs={shown} ticked={ticked} onTick={tick} />}
          {data && !shown.length && (
            <p className={styles.none}>
              {t.jobs.noneFound}{' '}
              <Button small onClick={() => navigate(paths.jobs())}>
                {t.jobs.clear}
              </Button>
            </p>
          )}
          {filteredHere && <p className={styles.note}>{t.jobs.onThisPage}</p>}
          {data && (
            <Pager
              newer={hasNewer ? paths.jobs({ status, q, before: page[0]?.id }) : null}
              older={hasOlder && page.length ? paths.jobs({ status, q, after: page.at(-1)?.id }) : null}
            />
          )}
        </>
      )}
      <Outlet />
    </Page>
  )
}
