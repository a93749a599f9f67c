/** The models: what the server has, what was tuned from it, and what each answers to. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import { familyJobsQuery } from '@/api/family'
import { modelsQuery } from '@/api/models'
import { serverQuery } from '@/api/server'
import { Page } from '@/frame/Page'
import { useUrlState } from '@/frame/useUrlState'
import { useT } from '@/i18n'
import { oneOf, text } from '@/lib/urlState'
import { Problem } from '@/parts/Problem'
import { CodeDialog, LIST_MODELS } from '@/parts/ViewCode'
import { paths } from '@/paths'
import { Button, ButtonLink } from '@/ui/Button'
import { Input, Segments } from '@/ui/Field'
import { Skeleton } from '@/ui/Skeleton'
import { BaseCard } from './BaseCard'
import { DeleteModel } from './DeleteModel'
import styles from './Models.module.css'
import { dependantsOf, families, filtered, type Tuned } from './tree'

const KIND = oneOf('all', 'tuned', 'base')

export function Models() {
  const t = useT()
  const navigate = useNavigate()
  const [kind, setKind] = useUrlState('kind', KIND)
  const [q, setQ] = useUrlState('q', text)
  const [doomed, setDoomed] = useState<Tuned | null>(null)
  const [showsCode, setShowsCode] = useState(false)
  const models = useQuery(modelsQuery())
  const jobs = useQuery(familyJobsQuery())
  const server = useQuery(serverQuery())
  const all = models.data ? families(models.data.data, jobs.data?.data ?? []) : []
  const shown = filtered(all, { kind, q })
  const isEmpty = models.data && all.every((family) => !family.tuned.length)
  return (
    <Page
      title={t.models.title}
      lead={t.models.lead}
      actions={
        <>
          <Button icon="code" onClick={() => setShowsCode(true)}>
            {t.shared.viewCode}
          </Button>
          <ButtonLink kind="main" icon="plus" to={paths.newJob()}>
            {t.models.fineTuneBase}
          </ButtonLink>
        </>
      }
    >
      {models.error && <Problem error={models.error} onRetry={models.refetch} />}
      {isEmpty && (
        <section className={styles.empty}>
          <h2>{t.models.emptyTitle}</h2>
          <p className="quiet">{t.models.emptyLead}</p>
          <div className={styles.row}>
            <ButtonLink to={paths.overview()} icon="spark">
              {t.models.emptySample}
            </ButtonLink>
            <ButtonLink to={paths.newJob()} icon="plus">
              {t.models.emptyCreate}
            </ButtonLink>
          </div>
        </section>
      )}
      <div className={styles.bar}>
        <Input
          type="search"
          className={styles.search}
          data-search
          aria-label={t.models.search}
          placeholder={t.models.search}
          value={q}
          onChange={(event) => setQ(event.target.value)}
        />
        <Segments
          legend={t.models.kind}
          hidden
          value={kind}
          options={(['all', 'tuned', 'base'] as const).map((value) => ({
            value,
            label: t.models.kinds[value],
          }))}
          onChange={setKind}
        />
      </div>
      {models.isPending && <Skeleton height="6rem" lines={3} />}
      <div className={styles.families}>
        {shown.map((family) => (
          <BaseCard
            key={family.base.id}
            family={family}
            info={server.data?.bases.find((one) => one.id === family.base.id)}
            jobs={jobs.data?.data ?? []}
            onDelete={setDoomed}
          />
        ))}
      </div>
      {models.data && !shown.length && (
        <p className={styles.none}>
          {t.models.noneFound}{' '}
          <Button small onClick={() => navigate(paths.models())}>
            {t.models.clear}
          </Button>
        </p>
      )}
      {showsCode && <CodeDialog call={LIST_MODELS} onClose={() => setShowsCode(false)} />}
      {doomed && (
        <DeleteModel
          id={doomed.model.id}
          name={doomed.name}
          dependants={dependantsOf(doomed.model.id, jobs.data?.data ?? [])}
          onClose={() => setDoomed(null)}
        />
      )}
    </Page>
  )
}
