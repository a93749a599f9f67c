/** No file yet: the smallest row there can be, and the sample. */
import { useT } from '@/i18n'
import { paths } from '@/paths'
import { ButtonLink } from '@/ui/Button'
import { CopyButton } from '@/ui/CopyButton'
import styles from './Datasets.module.css'

const ROW = `{"messages": [{"role": "user", "content": "Where is gate B?"}, {"role": "assistant", "content": "Straight on, then left."}]}`

export function DatasetsEmpty() {
  const t = useT()
  return (
    <section className={styles.empty}>
      <h2>{t.datasets.emptyTitle}</h2>
      <p className="quiet">{t.datasets.emptyLead}</p>
      <div className={styles.smallest}>
        <pre>{ROW}</pre>
        <CopyButton text={ROW} what={t.datasets.emptyRow} />
      </div>
      <p className="quiet">
        {t.datasets.dropHint} {t.datasets.emptySample}
      </p>
      <div>
        <ButtonLink to={paths.overview()} icon="spark">
          {t.datasets.toSample}
        </ButtonLink>
      </div>
    </section>
  )
}
