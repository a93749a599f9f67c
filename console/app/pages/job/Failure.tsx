/** Why a job failed: in the reader's words and in the server's, with the line of the data, and the way to mend it. */
import type { Job, JobEvent } from '@/api/client'
import { ApiError, sentence } from '@/api/errors'
import { useT } from '@/i18n'
import { diverged, lineOf } from '@/lib/failure'
import { count, tick } from '@/lib/number'
import { paths } from '@/paths'
import { ButtonLink } from '@/ui/Button'
import styles from './Head.module.css'

export function Failure({ job, events }: { job: Job; events: readonly JobEvent[] }) {
  const t = useT()
  const { code, message, param } = job.error as NonNullable<Job['error']>
  const file =
    param === 'training_file' ? job.training_file : param === 'validation_file' ? job.validation_file : null
  const line = lineOf(message)
  const fault = diverged(events)
  return (
    <div className={styles.failure} role="alert">
      <h2>{t.job.failedTitle}</h2>
      <p>{sentence(new ApiError(message, 400, code, param), t)}</p>
      {fault && (
        <p>
          {t.job.notFinite({ step: count(fault.step), rate: fault.rate === null ? '?' : tick(fault.rate) })}
        </p>
      )}
      <p className={styles.theirs}>{message}</p>
      <p className="quiet">
        <code>{code}</code> {param && t.job.failedParam({ param })}
      </p>
      <div className={styles.mend}>
        {file && (
          <ButtonLink kind="main" icon="datasets" to={paths.dataset(file, line ? { tab: 'rows', line } : {})}>
            {line ? t.job.seeLine({ line: count(line) }) : t.job.seeData}
          </ButtonLink>
        )}
        <ButtonLink icon="duplicate" to={paths.newJob({ from: job.id })}>
          {t.job.fix}
        </ButtonLink>
      </div>
    </div>
  )
}
