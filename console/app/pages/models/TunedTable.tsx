/** What was tuned from a base: name, the job it came from, and its checkpoints on demand. */
import { useState } from 'react'
import { Link, useNavigate } from 'react-router'
import type { Job } from '@/api/client'
import { useT } from '@/i18n'
import { count } from '@/lib/number'
import { Age } from '@/parts/Age'
import { paths } from '@/paths'
import { Button, ButtonLink } from '@/ui/Button'
import { CopyButton } from '@/ui/CopyButton'
import { Menu } from '@/ui/Menu'
import { Table, type TableColumn } from '@/ui/Table'
import { CheckpointList } from './CheckpointList'
import styles from './Models.module.css'
import type { Tuned } from './tree'

type Props = { base: string; tuned: Tuned[]; jobs: Job[]; onDelete: (tuned: Tuned) => void }

export function TunedTable({ base, tuned, onDelete }: Props) {
  const t = useT()
  const navigate = useNavigate()
  const [open, setOpen] = useState<string[]>([])
  const toggle = (id: string) =>
    setOpen((before) => (before.includes(id) ? before.filter((one) => one !== id) : [...before, id]))
  const columns: TableColumn<Tuned>[] = [
    {
      key: 'name',
      head: t.models.columns.name,
      bare: true,
      cell: ({ model, job, name }) => (
        <div className={styles.name}>
          <p className={styles.title}>
            <Link to={paths.model(model.id)}>{name}</Link>
          </p>
          <p className={styles.id}>
            {model.id} <CopyButton text={model.id} what={t.models.copyName({ name })} />
          </p>
          {job && (
            <>
              <Button
                kind="quiet"
                small
                icon={open.includes(model.id) ? 'down' : 'right'}
                className={styles.toggle}
                aria-expanded={open.includes(model.id)}
                onClick={() => toggle(model.id)}
              >
                {t.models.showCheckpoints}
              </Button>
              {open.includes(model.id) && <CheckpointList job={job} name={name} />}
            </>
          )}
        </div>
      ),
    },
    {
      key: 'from',
      head: t.models.columns.from,
      cell: ({ job }) =>
        job ? (
          <div>
            <Link to={paths.job(job.id)} className="mono">
              {job.id}
            </Link>
            {job.model.startsWith('ft:') && (
              <p className={styles.id}>{t.models.onTopOf({ name: job.model })}</p>
            )}
          </div>
        ) : (
          <span className="quiet">{t.models.noJob}</span>
        ),
    },
    {
      key: 'tokens',
      head: t.models.columns.data,
      number: true,
      cell: ({ job }) => (job?.trained_tokens ? count(job.trained_tokens) : ''),
    },
    {
      key: 'created',
      head: t.models.columns.created,
      number: true,
      cell: ({ model }) => <Age unixS={model.created} />,
    },
    {
      key: 'actions',
      head: <span className="hidden-text">{t.models.columns.actions}</span>,
      bare: true,
      cell: (one) => (
        <div className={styles.actions}>
          <ButtonLink
            small
            icon="playground"
            to={paths.playground({ m: [one.model.id, one.model.served_by] })}
          >
            {t.models.playground}
          </ButtonLink>
          <Menu
            small
            label={t.models.more({ name: one.name })}
            items={[
              { label: t.models.fineTune, onSelect: () => navigate(paths.newJob({ model: one.model.id })) },
              { label: t.models.remove, onSelect: () => onDelete(one) },
            ]}
          />
        </div>
      ),
    },
  ]
  return (
    <Table
      caption={t.models.caption({ base })}
      columns={columns}
      rows={tuned}
      rowKey={({ model }) => model.id}
    />
  )
}
