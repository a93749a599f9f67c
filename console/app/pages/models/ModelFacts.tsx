/** What a model is and how it is now: names, sizes, whether it answers at once, when it was last asked. */
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import type { Checkpoint, Job } from '@/api/client'
import type { DetailedModel, ModelDetails } from '@/api/models'
import { type Messages, useT } from '@/i18n'
import { bytes, compact, count, measure } from '@/lib/number'
import { Age } from '@/parts/Age'
import { paths } from '@/paths'
import { CopyButton } from '@/ui/CopyButton'
import { Icon } from '@/ui/Icon'
import styles from './Model.module.css'

type Props = {
  model: DetailedModel
  details: ModelDetails
  job: Job | undefined
  checkpoint: Checkpoint | undefined
}
type Fact = [name: string, value: ReactNode]

export function ModelFacts({ model, details, job, checkpoint }: Props) {
  const t = useT()
  return (
    <section className={styles.facts} aria-label={t.models.details({ name: model.id })}>
      <div className={styles.kind}>
        <p>{t.models.kindsOf[details.kind]}</p>
        <State details={details} />
      </div>
      <p className={styles.name}>
        <code>{model.id}</code>
        <CopyButton text={model.id} what={t.models.copyName({ name: model.id })} />
      </p>
      <dl>
        {factsOf({ model, details, job, checkpoint }, t).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

function State({ details: { loaded, engine, context_length, kind } }: { details: ModelDetails }) {
  const t = useT()
  const ofBase = kind === 'base' || kind === 'alias'
  const text =
    context_length === null
      ? t.models.gone
      : loaded
        ? t.models.loaded
        : (t.models.engine[engine] ?? (ofBase ? '' : t.models.cold))
  const bad = context_length === null || engine === 'down'
  return (
    <p className={styles.state} data-state={bad ? 'bad' : loaded ? 'good' : 'cold'}>
      <Icon name={bad ? 'warn' : loaded ? 'check' : 'clock'} size={14} />
      {text}
    </p>
  )
}

function factsOf({ model, details, job, checkpoint }: Props, t: Messages): Fact[] {
  const words = t.models.facts
  const adapter = details.kind === 'tuned' || details.kind === 'checkpoint'
  const facts: Fact[] = []
  if (model.served_by !== model.id) {
    facts.push([
      words.base,
      <Link key="base" to={paths.model(model.served_by)}>
        {model.served_by}
      </Link>,
    ])
  }
  if (details.context_length !== null)
    facts.push([words.context, t.models.tokensOf({ count: count(details.context_length) })])
  if (details.n_parameters !== null) facts.push([words.parameters, compact(details.n_parameters)])
  if (details.size_bytes !== null)
    facts.push([adapter ? words.adapterSize : words.size, bytes(details.size_bytes)])
  if (details.step !== null) facts.push([words.step, count(details.step)])
  const loss = checkpoint?.metrics.full_valid_loss ?? checkpoint?.metrics.valid_loss
  if (loss !== undefined) facts.push([words.loss, measure(loss)])
  if (details.kind === 'tuned' && job?.trained_tokens) facts.push([words.trained, count(job.trained_tokens)])
  facts.push([words.created, <Age key="created" unixS={model.created} />])
  facts.push([
    words.used,
    details.last_used_at === null ? t.models.never : <Age key="used" unixS={details.last_used_at} />,
  ])
  return facts
}
