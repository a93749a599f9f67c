/** What a job would say of the file: the verdict, each problem with its line and what to do, repeats and overlap. */
import type { FileObject } from '@/api/client'
import { save } from '@/api/files'
import type { FileProblem, Repeated, ReportBody } from '@/api/report'
import { useT } from '@/i18n'
import { count } from '@/lib/number'
import { asCsv, asText, grouped } from '@/lib/problems'
import { Button } from '@/ui/Button'
import { CopyButton } from '@/ui/CopyButton'
import { Icon } from '@/ui/Icon'
import styles from './Dataset.module.css'
import { Overlap } from './Overlap'
import { LineLink, ProblemGroup } from './ProblemGroup'
import { useProblemKeys } from './useProblemKeys'

export function Report({ file, report, model }: { file: FileObject; report: ReportBody; model: string }) {
  const t = useT()
  useProblemKeys()
  const { problems, warnings, duplicates, near_duplicates } = report
  const all = [...problems, ...warnings]
  const csv = (guarded: boolean) =>
    save(new Blob([asCsv(all, guarded)], { type: 'text/csv' }), `${file.filename}-problems.csv`)
  return (
    <div className={styles.report}>
      <Verdict report={report} />
      {all.length > 0 && (
        <div className={styles.tools}>
          <CopyButton
            text={() => asText(all, t.datasets)}
            what={t.datasets.copyList}
            label={t.datasets.copyList}
          />
          <Button small icon="download" onClick={() => csv(false)}>
            {t.datasets.csv}
          </Button>
          <Button small icon="download" title={t.datasets.sheetHint} onClick={() => csv(true)}>
            {t.datasets.sheet}
          </Button>
          <span className="quiet">{t.datasets.keysHint}</span>
        </div>
      )}
      <List
        title={t.datasets.problems}
        found={problems}
        total={report.n_problems}
        file={file}
        model={model}
        kind="problem"
      />
      <List
        title={t.datasets.warnings}
        found={warnings}
        total={report.n_warnings}
        file={file}
        model={model}
        kind="warning"
      />
      {duplicates !== null && duplicates.n_rows > 0 && (
        <Groups
          title={t.datasets.duplicates}
          text={t.datasets.duplicatesText(countsOf(duplicates))}
          found={duplicates}
          file={file.id}
          model={model}
        />
      )}
      {near_duplicates && near_duplicates.n_rows > 0 && (
        <Groups
          title={t.datasets.nearDuplicates}
          text={t.datasets.nearDuplicatesText(countsOf(near_duplicates))}
          found={near_duplicates}
          file={file.id}
          model={model}
        />
      )}
      <Overlap file={file} model={model} />
    </div>
  )
}

const countsOf = ({ n_rows, n_groups }: Repeated) => ({
  count: n_rows,
  rows: count(n_rows),
  groups: count(n_groups),
})

type GroupsProps = { title: string; text: string; found: Repeated; file: string; model: string }

/** Rows that belong together, each group as links to its lines. */
function Groups({ title, text, found, file, model }: GroupsProps) {
  return (
    <section>
      <h2>{title}</h2>
      <p className="quiet">{text}</p>
      <ul className={styles.groups}>
        {found.groups.slice(0, 20).map((lines) => (
          <li key={lines.join()} className={styles.lines}>
            {lines.map((line) => (
              <LineLink key={line} file={file} line={line} model={model} />
            ))}
          </li>
        ))}
      </ul>
    </section>
  )
}

function Verdict({ report }: { report: ReportBody }) {
  const t = useT()
  const rows = count(report.n_rows)
  const training = report.as_training_file
  const validation = report.as_validation_file
  if (report.n_problems > 0) {
    return (
      <div className={styles.verdict} data-kind="bad">
        <Icon name="warn" size={20} />
        <div>
          <h2>{t.datasets.faults({ count: report.n_problems })}</h2>
          <p>{t.datasets.faultsText({ rows })}</p>
        </div>
      </div>
    )
  }
  if (!training.ok) {
    return (
      <div className={styles.verdict} data-kind="warn">
        <Icon name="warn" size={20} />
        <div>
          <h2>{t.datasets.notEnough}</h2>
          <p>{training.message}</p>
          {validation.ok && <p>{t.datasets.onlyValid}</p>}
        </div>
      </div>
    )
  }
  return (
    <div className={styles.verdict} data-kind="good">
      <Icon name="check" size={20} />
      <div>
        <h2>{t.datasets.ok}</h2>
        <p>
          {report.n_warnings
            ? t.datasets.okWarnings({ rows, count: report.n_warnings })
            : t.datasets.okText({ rows })}
        </p>
      </div>
    </div>
  )
}

type ListProps = {
  title: string
  found: FileProblem[]
  total: number
  file: FileObject
  model: string
  kind: 'problem' | 'warning'
}

function List({ title, found, total, file, model, kind }: ListProps) {
  const t = useT()
  if (!found.length) return null
  return (
    <section>
      <h2>{title}</h2>
      {total > found.length && (
        <p className="quiet">{t.datasets.firstOf({ shown: count(found.length), all: count(total) })}</p>
      )}
      <div className={styles.list} data-kind={kind}>
        {grouped(found).map(({ code, problems }) => (
          <ProblemGroup
            key={code}
            code={code}
            problems={problems}
            file={file.id}
            model={model}
            stopsJob={kind === 'problem'}
          />
        ))}
      </div>
    </section>
  )
}
