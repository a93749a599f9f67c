/** The list of fine-tuning jobs: find a run, compare a few, begin another. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Outlet, useNavigate, useSearchParams } from 'react-router'
import { jobsQuery } from '@/api/jobs'
import { baseOf, isBase, modelsQuery } from '@/api/models'
import { STATUSES } from '@/api/states'
import { Page } from '@/frame/Page'
import { useUrlState } from '@/frame/useUrlState'
import { useT } from '@/i18n'
import { oneOf, text } from '@/lib/urlState'
import { Problem } from '@/parts/Problem'
import { CodeButton } from '@/parts/ViewCode'
import { paths } from '@/paths'
import { Button, ButtonLink } from '@/ui/Button'
import { Input, Select } from '@/ui/Field'
import { Pager } from '@/ui/Pager'
import { Skeleton } from '@/ui/Skeleton'
import { asked, callOf, LIVE, matches, pairOf } from './filter'
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
  const [base, setBase] = useUrlState('base', text, PLACE)
  const [meta, setMeta] = useUrlState('meta', text, PLACE)
  const filters = { status, q, base, meta }
  const wanted = {
    ...filters,
    after: search.get('after') ?? undefined,
    before: search.get('before') ?? undefined,
  }
  const [ticked, setTicked] = useState<string[]>([])
  const { data, error, refetch } = useQuery(jobsQuery(asked(wanted)))
  const page = data?.data ?? []
  const { data: models } = useQuery(modelsQuery())
  // what can be trained now, and what the jobs of this page began with
  const bases = new Set([
    ...(models?.data.filter(isBase).map(({ id }) => id) ?? []),
    ...page.map((job) => baseOf(job.model)),
    ...(base ? [base] : []),
  ])
  const shown = page.filter((job) => matches(job, wanted))
  const filtered = Object.values(filters).some(Boolean)
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
        <>
          <CodeButton call={callOf(wanted)} />
          <ButtonLink kind="main" icon="plus" to={paths.newJob()}>
            {t.jobs.create}
          </ButtonLink>
        </>
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
            <Select
              className={styles.status}
              aria-label={t.jobs.base}
              value={base}
              onChange={(event) => setBase(event.target.value)}
            >
              <option value="">{t.jobs.allBases}</option>
              {[...bases].map((one) => (
                <option key={one} value={one}>
                  {one}
                </option>
              ))}
            </Select>
            <Input
              className={styles.meta}
              aria-label={t.jobs.metadata}
              aria-invalid={meta && !pairOf(meta) ? true : undefined}
              placeholder={t.jobs.metadataHint}
              spellCheck={false}
              value={meta}
              onChange={(event) => setMeta(event.target.value)}
            />
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
              newer={hasNewer ? paths.jobs({ ...filters, before: page[0]?.id }) : null}
              older={hasOlder && page.length ? paths.jobs({ ...filters, after: page.at(-1)?.id }) : null}
            />
          )}
        </>
      )}
      <Outlet />
    </Page>
  )
}
