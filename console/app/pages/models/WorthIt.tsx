/** Whether tuning was worth it: read, on questions that the job has not learnt from. */
import type { Job } from '@/api/client'
import { useT } from '@/i18n'
import { paths } from '@/paths'
import { ButtonLink } from '@/ui/Button'
import styles from './Model.module.css'

type Props = {
  model: string
  /** What it was made from. */
  beside: string
  job: Job
}

export function WorthIt({ model, beside, job }: Props) {
  const words = useT().models.worth
  return (
    <section className={styles.worth}>
      <div>
        <h2>{words.title}</h2>
        <p className="quiet">
          {job.validation_file ? words.heldOut({ beside }) : words.training({ beside })}
        </p>
      </div>
      <ButtonLink icon="playground" to={paths.playground({ m: [model, beside] })}>
        {words.compare}
      </ButtonLink>
    </section>
  )
}
