/** A hint, never an action: that the model was better some epochs ago, with the rule by which that is said. */
import { memo, useMemo } from 'react'
import type { Checkpoint, Job } from '@/api/client'
import { hasEnded } from '@/api/states'
import { useT } from '@/i18n'
import { count, measure } from '@/lib/number'
import { overfit } from '@/lib/overfit'
import type { Curve } from '@/lib/series'
import { paths } from '@/paths'
import { ButtonLink } from '@/ui/Button'
import { CopyButton } from '@/ui/CopyButton'
import { Icon } from '@/ui/Icon'
import styles from './Metrics.module.css'

export const OverfitHint = memo(function OverfitHint({
  job,
  curve,
  checkpoints,
}: {
  job: Job
  curve: Curve
  checkpoints: Checkpoint[]
}) {
  const t = useT()
  const found = useMemo(
    () => overfit(curve.steps, curve.columns.train_loss, curve.columns.full_valid_loss),
    [curve],
  )
  if (!found) {
    if (job.validation_file || !hasEnded(job.status)) return null
    return (
      <p className={styles.unknown}>
        <Icon name="info" size={14} /> {t.chart.overfitUnknown}
      </p>
    )
  }
  const best = checkpoints.find((checkpoint) => checkpoint.step_number === found.bestStep)
  return (
    <section className={styles.overfit}>
      <Icon name="warn" />
      <div>
        <h2>{t.chart.overfitTitle}</h2>
        <p>
          {t.chart.overfit({
            step: count(found.bestStep),
            rose: measure(found.rose),
            fell: measure(found.fell),
          })}
        </p>
        <details>
          <summary className="quiet">{t.chart.overfitWhy}</summary>
          <p className="quiet">{t.chart.overfitRule}</p>
        </details>
      </div>
      {best ? (
        <span className={styles.acts}>
          <ButtonLink small icon="playground" to={paths.playground({ m: best.fine_tuned_model_checkpoint })}>
            {t.job.playground}
          </ButtonLink>
          <ButtonLink small to={paths.newJob({ model: best.fine_tuned_model_checkpoint })}>
            {t.checkpoints.fineTune}
          </ButtonLink>
          <CopyButton
            text={best.fine_tuned_model_checkpoint}
            what={t.checkpoints.copyName}
            label={t.chart.overfitCheckpoint}
          />
        </span>
      ) : (
        <span className="quiet">{t.chart.overfitPruned}</span>
      )}
    </section>
  )
})
