/** A base with the names it goes by, and below it what was tuned from it. */
import { Link } from 'react-router'
import type { Job } from '@/api/client'
import type { BaseInfo } from '@/api/server'
import { useT } from '@/i18n'
import { compact, count } from '@/lib/number'
import { paths } from '@/paths'
import { ButtonLink } from '@/ui/Button'
import { CopyButton } from '@/ui/CopyButton'
import styles from './Models.module.css'
import { TunedTable } from './TunedTable'
import type { Family, Tuned } from './tree'

type Props = {
  family: Family
  /** What the server tells of the base, where it tells. */
  info: BaseInfo | undefined
  jobs: Job[]
  onDelete: (tuned: Tuned) => void
}

export function BaseCard({ family: { base, aliases, tuned }, info, jobs, onDelete }: Props) {
  const t = useT()
  const facts = info && [
    t.models.parametersOf({ count: compact(info.n_parameters) }),
    t.models.contextOf({ count: count(info.context_length) }),
    info.engine === 'ready' ? t.models.isLoaded : t.models.engine[info.engine],
  ]
  return (
    <section className={styles.family} aria-labelledby={`base-${base.id}`}>
      <div className={styles.base}>
        <div>
          <p className={styles.kind}>{t.models.base}</p>
          <h2 id={`base-${base.id}`} className={styles.baseName}>
            <Link to={paths.model(base.id)}>{base.id}</Link>{' '}
            <CopyButton text={base.id} what={t.models.copyName({ name: base.id })} />
          </h2>
          {facts && <p className={styles.facts}>{facts.join(' · ')}</p>}
        </div>
        <div className={styles.row}>
          <ButtonLink small icon="playground" to={paths.playground({ m: base.id })}>
            {t.models.playground}
          </ButtonLink>
          <ButtonLink small icon="jobs" to={paths.newJob({ model: base.id })}>
            {t.models.fineTuneBase}
          </ButtonLink>
        </div>
      </div>
      {aliases.length > 0 && (
        <details className={styles.aliases}>
          <summary>{t.models.alsoNamed({ count: count(aliases.length) })}</summary>
          <p className="quiet">{t.models.aliasesHint}</p>
          <ul>
            {aliases.map((alias) => (
              <li key={alias}>
                <code>{alias}</code>
              </li>
            ))}
          </ul>
        </details>
      )}
      {tuned.length > 0 ? (
        <TunedTable base={base.id} tuned={tuned} jobs={jobs} onDelete={onDelete} />
      ) : (
        <p className={styles.nothing}>{t.models.none}</p>
      )}
    </section>
  )
}
