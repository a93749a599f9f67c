/** The family of a model: from its base, through each job and what came of it, down to what was built on it. */
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import type { Checkpoint, Job } from '@/api/client'
import { nameOf } from '@/api/jobs'
import { type Ancestor, type DetailedModel, type ModelDetails, suffixOf } from '@/api/models'
import { useT } from '@/i18n'
import { count } from '@/lib/number'
import { StateBadge } from '@/parts/StateBadge'
import { paths } from '@/paths'
import { Icon } from '@/ui/Icon'
import styles from './Model.module.css'

type Props = {
  model: DetailedModel
  details: ModelDetails
  ancestors: Ancestor[] | undefined
  job: Job | undefined
  checkpoints: Checkpoint[]
}

export function FamilyTree({ model, details, ancestors, job, checkpoints }: Props) {
  const t = useT()
  const isOfServer = details.kind === 'base' || details.kind === 'alias'
  const own = isOfServer ? (
    <Branch what={t.models.kindsOf[details.kind]} here>
      <Name name={model.id} here />
      <Built names={details.built_on_it} title={t.models.tunedFrom} />
    </Branch>
  ) : (
    <Made model={model} details={details} job={job} checkpoints={checkpoints} />
  )
  return (
    <section className={styles.family}>
      <h2>{t.models.tree}</h2>
      <p className="quiet">{t.models.treeHint}</p>
      <ul className={styles.tree}>
        <Descent from={ancestors ?? []}>{own}</Descent>
      </ul>
    </section>
  )
}

/** What each began from around what came of it, the oldest outermost. */
function Descent({ from: [oldest, ...younger], children }: { from: Ancestor[]; children: ReactNode }) {
  const t = useT()
  if (!oldest) return children
  const { name, model } = oldest
  const jobId = model?.details?.fine_tuning_job_id
  const own = (
    <Branch what={model ? t.models.kindsOf[model.details?.kind ?? 'tuned'] : ''}>
      {model ? <Name name={name} /> : <Gone name={name} />}
      {model && model.served_by !== name && !jobId && (
        <span className="quiet">
          {' → '}
          <Link to={paths.model(model.served_by)}>{model.served_by}</Link>
        </span>
      )}
      <ul>
        <Descent from={younger}>{children}</Descent>
      </ul>
    </Branch>
  )
  if (!jobId) return own
  return (
    <Branch what={t.models.job}>
      <Link to={paths.job(jobId)}>{suffixOf(name) ?? jobId}</Link>
      <ul>{own}</ul>
    </Branch>
  )
}

/** A job with what came of it: its checkpoints, its model, and below the model in question what was built on that. */
function Made({ model, details, job, checkpoints }: Omit<Props, 'ancestors'>) {
  const t = useT()
  const final = job?.fine_tuned_model ?? (details.kind === 'tuned' ? model.id : null)
  const shown = checkpoints
    .filter((one) => one.fine_tuned_model_checkpoint !== final)
    .toSorted((a, b) => a.step_number - b.step_number)
  const built = <Built names={details.built_on_it} title={t.models.builtOn} />
  const members = (
    <>
      {shown.map(({ id, step_number, fine_tuned_model_checkpoint: name }) => (
        <Branch key={id} what={t.models.checkpointAt({ step: count(step_number) })} here={name === model.id}>
          <Name name={name} here={name === model.id} />
          {name === model.id && built}
        </Branch>
      ))}
      {details.kind === 'checkpoint' &&
        !shown.some((one) => one.fine_tuned_model_checkpoint === model.id) && (
          <Branch what={t.models.kindsOf.checkpoint} here>
            <Name name={model.id} here />
            {built}
          </Branch>
        )}
      {final && (details.kind === 'tuned' || details.final_model) && (
        <Branch what={t.models.final} here={final === model.id}>
          <Name name={final} here={final === model.id} />
          {final === model.id && built}
        </Branch>
      )}
    </>
  )
  if (!job) return members
  return (
    <Branch what={t.models.job}>
      <Link to={paths.job(job.id)}>{nameOf(job)}</Link> <StateBadge status={job.status} />
      <ul>{members}</ul>
    </Branch>
  )
}

function Branch({ what, here, children }: { what: string; here?: boolean; children: ReactNode }) {
  return (
    <li className={styles.branch} data-here={here || undefined}>
      {what && <span className={styles.what}>{what}</span>}
      {children}
    </li>
  )
}

/** A model by its whole name, which is told from its fellows by its end. */
function Name({ name, here }: { name: string; here?: boolean }) {
  const t = useT()
  const inside = (
    <>
      {suffixOf(name) && <strong>{suffixOf(name)}</strong>} <code>{name}</code>
    </>
  )
  return here ? (
    <span aria-current="true" className={styles.here}>
      {inside} <span className={styles.badge}>{t.models.here}</span>
    </span>
  ) : (
    <Link to={paths.model(name)}>{inside}</Link>
  )
}

function Gone({ name }: { name: string }) {
  const t = useT()
  return (
    <span className="quiet">
      <code>{name}</code> <Icon name="close" size={12} /> {t.models.deletedParent}
    </span>
  )
}

function Built({ names, title }: { names: string[]; title: string }) {
  if (!names.length) return null
  return (
    <div className={styles.built}>
      <p className={styles.what}>{title}</p>
      <ul>
        {names.map((name) => (
          <Branch key={name} what="">
            <Name name={name} />
          </Branch>
        ))}
      </ul>
    </div>
  )
}
