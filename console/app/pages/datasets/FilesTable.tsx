/** The rows of the list of files: what each holds, whether a job takes it, and who uses it. */
import { Link } from 'react-router'
import type { FileObject, Job } from '@/api/client'
import type { ListedFile } from '@/api/files'
import { useT } from '@/i18n'
import { bytes, count } from '@/lib/number'
import { harmless } from '@/lib/visible'
import { Age } from '@/parts/Age'
import { paths } from '@/paths'
import { Table, type TableColumn } from '@/ui/Table'
import styles from './Datasets.module.css'
import { Verdict } from './Verdict'

export const usesOf = (file: FileObject, jobs: readonly Job[]): Job[] =>
  jobs.filter(
    (job) =>
      job.training_file === file.id || job.validation_file === file.id || job.result_files.includes(file.id),
  )

export function FilesTable({ files, jobs }: { files: ListedFile[]; jobs: Job[] }) {
  const t = useT()
  const columns: TableColumn<ListedFile>[] = [
    {
      key: 'name',
      head: t.datasets.columns.name,
      bare: true,
      cell: (file) => (
        <div className={styles.name}>
          <Link to={paths.dataset(file.id)}>{harmless(file.filename)}</Link>
          <p className={styles.id}>{file.id}</p>
        </div>
      ),
    },
    {
      key: 'kind',
      head: t.datasets.columns.kind,
      cell: ({ purpose, report }) => {
        if (purpose !== 'fine-tune') return t.datasets.purposes[purpose] ?? purpose
        if (report?.status !== 'completed') return ''
        return report.method ? t.datasets.kinds[report.method] : t.datasets.kinds.unknown
      },
    },
    {
      key: 'verdict',
      head: t.datasets.columns.verdict,
      cell: (file) => (file.report ? <Verdict file={file} report={file.report} /> : ''),
    },
    {
      key: 'rows',
      head: t.datasets.columns.rows,
      number: true,
      cell: ({ report }) => numberOf(report?.n_rows),
    },
    {
      key: 'tokens',
      head: t.datasets.columns.tokens,
      number: true,
      cell: ({ report }) => {
        const { tokens, trained_tokens: trained, model } = report ?? {}
        if (typeof tokens !== 'number' || typeof trained !== 'number' || !model) return ''
        return <span title={t.datasets.tokensHint({ trained: count(trained), model })}>{count(tokens)}</span>
      },
    },
    {
      key: 'used',
      head: t.datasets.columns.used,
      cell: (file) => {
        const uses = file.report?.n_jobs ?? usesOf(file, jobs).length
        return uses ? t.datasets.usedBy({ count: uses }) : ''
      },
    },
    { key: 'size', head: t.datasets.columns.size, number: true, cell: (file) => bytes(file.bytes) },
    {
      key: 'created',
      head: t.datasets.columns.created,
      number: true,
      cell: (file) => <Age unixS={file.created_at} />,
    },
  ]
  return <Table caption={t.datasets.caption} columns={columns} rows={files} rowKey={(file) => file.id} />
}

const numberOf = (value: number | null | undefined) => (typeof value === 'number' ? count(value) : '')
