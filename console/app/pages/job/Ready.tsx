/** Whoever has watched a job to its end is led to what it was for: the model, beside the one it was made from. */
import type { Job } from '@/api/client'
import { useT } from '@/i18n'
import { paths } from '@/paths'
import { ButtonLink } from '@/ui/Button'
import { Icon } from '@/ui/Icon'
import styles from './Head.module.css'

export function Ready({ job, tuned }: { job: Job; tuned: string }) {
  const t = useT()
  return (
    <div className={styles.ready} role="status">
      <p>
        <Icon name="check" /> <strong>{t.job.ready}</strong>{' '}
        {job.validation_file ? t.job.readyHeldOut : t.job.readyTry}
      </p>
      <ButtonLink kind="main" icon="playground" to={paths.playground({ m: [job.model, tuned] })}>
        {t.job.askBoth}
      </ButtonLink>
    </div>
  )
}
