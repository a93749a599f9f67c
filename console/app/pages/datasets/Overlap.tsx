/** Rows that this file shares with another one: a validation set that was trained on tells nothing. */
import { useQuery } from '@tanstack/react-query'
import type { FileObject } from '@/api/client'
import { filesQuery } from '@/api/files'
import { reportQuery } from '@/api/report'
import { useUrlState } from '@/frame/useUrlState'
import { useT } from '@/i18n'
import { count } from '@/lib/number'
import { text } from '@/lib/urlState'
import { harmless } from '@/lib/visible'
import { Problem } from '@/parts/Problem'
import { Field, Select } from '@/ui/Field'
import styles from './Dataset.module.css'
import { Inspecting } from './Inspecting'
import { LineLink } from './ProblemGroup'

export function Overlap({ file, model }: { file: FileObject; model: string }) {
  const t = useT()
  const [against, setAgainst] = useUrlState('against', text)
  const { data: files } = useQuery(filesQuery())
  const others = files?.data.filter((one) => one.id !== file.id) ?? []
  const { data, error, refetch } = useQuery({
    ...reportQuery(file.id, { model: model || undefined, against }),
    enabled: Boolean(against),
  })
  const overlap = data?.report?.overlap
  if (!others.length) return null
  return (
    <section className={styles.overlap}>
      <h2>{t.datasets.overlap}</h2>
      <Field label={t.datasets.overlapWith}>
        {(tied) => (
          <Select {...tied} value={against} onChange={(event) => setAgainst(event.target.value)}>
            <option value="">{t.datasets.overlapNone}</option>
            {others.map((one) => (
              <option key={one.id} value={one.id}>
                {harmless(one.filename)} · {one.id}
              </option>
            ))}
          </Select>
        )}
      </Field>
      {error && <Problem error={error} onRetry={refetch} />}
      {against && data?.progress && <Inspecting progress={data.progress} />}
      {overlap &&
        (overlap.n_rows ? (
          <>
            <p>{t.datasets.overlapText({ rows: count(overlap.n_rows) })}</p>
            <p className={styles.lines}>
              {overlap.rows.slice(0, 40).map(({ line }) => (
                <LineLink key={line} file={file.id} line={line} model={model} />
              ))}
            </p>
          </>
        ) : (
          <p>{t.datasets.overlapClean}</p>
        ))}
    </section>
  )
}
