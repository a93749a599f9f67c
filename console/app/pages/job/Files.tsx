/** The files of a job: its data and its results, to take along. */
import { useQueries } from '@tanstack/react-query'
import type { Job } from '@/api/client'
import { isApiError } from '@/api/client'
import { sentence } from '@/api/errors'
import { download, fileQuery } from '@/api/files'
import { nameOf } from '@/api/jobs'
import { isLive } from '@/api/states'
import { useT } from '@/i18n'
import { bytes } from '@/lib/number'
import { Button } from '@/ui/Button'
import { Table } from '@/ui/Table'
import { toast } from '@/ui/Toast'
import styles from './Parts.module.css'

type Row = { id: string; role: string; saveAs?: string }

export function Files({ job }: { job: Job }) {
  const t = useT()
  const rows: Row[] = [
    ...job.result_files.map((id) => ({ id, role: t.files.results, saveAs: `${nameOf(job)}-results.csv` })),
    { id: job.training_file, role: t.files.training },
    ...(job.validation_file ? [{ id: job.validation_file, role: t.files.validation }] : []),
  ]
  const found = useQueries({ queries: rows.map((row) => fileQuery(row.id)) })
  const fetch = (row: Row, name: string) =>
    download(row.id, row.saveAs ?? name).catch((error: unknown) =>
      toast(sentence(error, t), { kind: 'bad', detail: isApiError(error) ? error.message : undefined }),
    )
  return (
    <>
      <Table
        caption={t.files.caption}
        rows={rows.map((row, index) => ({ ...row, query: found[index] }))}
        rowKey={(row) => row.role + row.id}
        columns={[
          { key: 'role', head: t.files.role, bare: true, cell: (row) => <strong>{row.role}</strong> },
          {
            key: 'name',
            head: t.files.name,
            cell: (row) => (
              <div>
                <bdi>{row.query?.data?.filename ?? (row.query?.error ? t.files.gone : '')}</bdi>
                <div className={styles.id}>{row.id}</div>
              </div>
            ),
          },
          {
            key: 'size',
            head: t.files.size,
            number: true,
            cell: (row) => (row.query?.data ? bytes(row.query.data.bytes) : ''),
          },
          {
            key: 'act',
            head: <span className="hidden-text">{t.shared.download}</span>,
            bare: true,
            number: true,
            cell: (row) => (
              <Button
                small
                icon="download"
                disabledReason={row.query?.error ? t.files.gone : undefined}
                onClick={() => fetch(row, row.query?.data?.filename ?? row.id)}
              >
                {t.shared.download}
              </Button>
            ),
          },
        ]}
      />
      {isLive(job) && <p className={styles.note}>{t.files.pending}</p>}
    </>
  )
}
