/** A job's checkpoints, each of which answers under a name of its own. */
import { useQuery } from '@tanstack/react-query'
import { Link } from 'react-router'
import type { Job } from '@/api/client'
import { checkpointsQuery } from '@/api/jobs'
import { useT } from '@/i18n'
import { count, measure } from '@/lib/number'
import { Problem } from '@/parts/Problem'
import { paths } from '@/paths'
import { ButtonLink } from '@/ui/Button'
import { CopyButton } from '@/ui/CopyButton'
import { Skeleton } from '@/ui/Skeleton'
import styles from './Models.module.css'

export function CheckpointList({ job, name }: { job: Job; name: string }) {
  const t = useT()
  const { data, error, refetch, isPending } = useQuery({
    ...checkpointsQuery(job.id, false),
    staleTime: 60_000,
  })
  if (error) return <Problem error={error} onRetry={refetch} />
  if (isPending || !data) return <Skeleton height="1.75rem" lines={2} />
  // the last one is the model itself
  const shown = data.data.filter((one) => one.fine_tuned_model_checkpoint !== job.fine_tuned_model)
  if (!shown.length) return <p className="quiet">{t.models.noCheckpoints}</p>
  return (
    <ul className={styles.checkpoints} aria-label={t.models.checkpoints({ name })}>
      {shown.map((one) => {
        const loss = one.metrics.full_valid_loss ?? one.metrics.valid_loss
        return (
          <li key={one.id}>
            <Link to={paths.model(one.fine_tuned_model_checkpoint)}>
              {t.models.checkpoint({ step: count(one.step_number) })}
            </Link>
            {typeof loss === 'number' && (
              <span className="quiet">{t.models.loss({ loss: measure(loss) })}</span>
            )}
            <span className={styles.actions}>
              <CopyButton text={one.fine_tuned_model_checkpoint} what={one.fine_tuned_model_checkpoint} />
              <ButtonLink
                kind="quiet"
                small
                icon="playground"
                aria-label={`${t.models.playground}: ${one.fine_tuned_model_checkpoint}`}
                to={paths.playground({
                  m: [job.fine_tuned_model ?? '', one.fine_tuned_model_checkpoint].filter(Boolean),
                })}
              />
            </span>
          </li>
        )
      })}
    </ul>
  )
}
