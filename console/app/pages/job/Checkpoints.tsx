/** The checkpoints of a job: each can be asked, and trained further. */
import type { Checkpoint, Job } from '@/api/client'
import { hasEnded } from '@/api/states'
import { useT } from '@/i18n'
import { best } from '@/lib/best'
import { count, measure, percent } from '@/lib/number'
import { type Curve, epochAt } from '@/lib/series'
import { Age } from '@/parts/Age'
import { paths } from '@/paths'
import { Button, ButtonLink } from '@/ui/Button'
import { CopyButton } from '@/ui/CopyButton'
import { Skeleton } from '@/ui/Skeleton'
import { Table } from '@/ui/Table'
import styles from './Parts.module.css'

type Props = { job: Job; curve: Curve; checkpoints: Checkpoint[] | undefined }

export function Checkpoints({ job, curve, checkpoints }: Props) {
  const t = useT()
  if (!checkpoints) return <Skeleton height="2.6rem" lines={3} />
  if (!checkpoints.length) return <p className="quiet">{t.checkpoints.none}</p>
  const winner = best(checkpoints)
  return (
    <>
      <Table
        caption={t.checkpoints.caption}
        rows={checkpoints}
        rowKey={(one) => one.id}
        columns={[
          {
            key: 'step',
            head: t.checkpoints.step,
            cell: (one) => (
              <span className={styles.step}>
                {count(one.step_number)}
                {one === winner && <span className={styles.best}>{t.checkpoints.best}</span>}
              </span>
            ),
          },
          {
            key: 'epoch',
            head: t.checkpoints.epoch,
            number: true,
            cell: (one) => epochAt(curve, one.step_number) ?? '–',
          },
          {
            key: 'name',
            head: t.checkpoints.name,
            bare: true,
            cell: (one) => (
              <span className={styles.copied}>
                <code>{one.fine_tuned_model_checkpoint}</code>
                <CopyButton text={one.fine_tuned_model_checkpoint} what={t.checkpoints.copyName} />
              </span>
            ),
          },
          {
            key: 'train',
            head: t.checkpoints.trainLoss,
            number: true,
            cell: (one) => measure(one.metrics.train_loss),
          },
          {
            key: 'valid',
            head: t.checkpoints.validLoss,
            number: true,
            cell: (one) => measure(one.metrics.full_valid_loss ?? one.metrics.valid_loss),
          },
          {
            key: 'accuracy',
            head: t.checkpoints.accuracy,
            number: true,
            cell: (one) => {
              const share =
                one.metrics.full_valid_mean_token_accuracy ?? one.metrics.train_mean_token_accuracy
              return share === undefined ? '–' : percent(share, 1)
            },
          },
          {
            key: 'created',
            head: t.checkpoints.created,
            number: true,
            cell: (one) => <Age unixS={one.created_at} />,
          },
          {
            key: 'act',
            head: <span className="hidden-text">{t.checkpoints.acts}</span>,
            bare: true,
            cell: ({ fine_tuned_model_checkpoint: name }) => (
              <span className={styles.acts}>
                <ButtonLink
                  small
                  icon="playground"
                  aria-label={`${t.job.playground}: ${name}`}
                  to={paths.playground({ m: name })}
                >
                  {t.job.playground}
                </ButtonLink>
                <Compare job={job} name={name} />
                <ButtonLink
                  small
                  aria-label={`${t.checkpoints.fineTune}: ${name}`}
                  to={paths.newJob({ model: name })}
                >
                  {t.checkpoints.fineTune}
                </ButtonLink>
              </span>
            ),
          },
        ]}
      />
      <p className={styles.note}>{t.checkpoints.kept}</p>
    </>
  )
}

/** Both side by side, where the job has a model of its own and this is another one. */
function Compare({ job, name }: { job: Job; name: string }) {
  const t = useT()
  const final = job.fine_tuned_model
  const label = `${t.checkpoints.compare}: ${name}`
  if (final && final !== name) {
    return (
      <ButtonLink small aria-label={label} to={paths.playground({ m: [name, final] })}>
        {t.checkpoints.compare}
      </ButtonLink>
    )
  }
  const reason = final
    ? t.checkpoints.isFinal
    : hasEnded(job.status)
      ? t.checkpoints.noFinalEver
      : t.checkpoints.noFinal
  return (
    <Button small aria-label={label} disabledReason={reason}>
      {t.checkpoints.compare}
    </Button>
  )
}
