/** The rows of the list of files. */
import { Link } from 'react-router'
import type { FileObject, Job } from '@/api/client'
import { useT } from '@/i18n'
import { bytes } from '@/lib/number'
import { harmless } from '@/lib/visible'
import { Age } from '@/parts/Age'
import { paths } from '@/paths'
import { Table, type TableColumn } from '@/ui/Table'
import styles from './Datasets.module.css'

export const usesOf = (file: FileObject, jobs: readonly Job[]): Job[] =>
  jobs.filter(
    (job) =>
      job.training_file === file.id || job.validation_file === file.id || job.result_files.includes(file.id),
  )

export function FilesTable({ files, jobs }: { files: FileObject[]; jobs: Job[] }) {
  const t = useT()
  const columns: TableColumn<FileObject>[] = [
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
      key: 'purpose',
      head: t.datasets.columns.purpose,
      cell: (file) => t.datasets.purposes[file.purpose] ?? file.purpose,
    },
    {
      key: 'used',
      head: t.datasets.columns.used,
      cell: (file) => {
        const uses = usesOf(file, jobs)
        return uses.length ? t.datasets.usedBy({ count: uses.length }) : ''
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
