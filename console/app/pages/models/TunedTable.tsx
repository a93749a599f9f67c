/** What was tuned from a base: name, the job it came from, and its checkpoints on demand. */

import { useQueries } from '@tanstack/react-query'
import { useState } from 'react'
import { Link, useNavigate } from 'react-router'
import type { Job } from '@/api/client'
import { type ModelDetails, modelQuery } from '@/api/models'
import { useT } from '@/i18n'
import { bytes, count } from '@/lib/number'
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

/** Each is a request of its own: the newest ones are what people come for. */
const WITH_DETAILS = 20

export function TunedTable({ base, tuned, onDelete }: Props) {
  const t = useT()
  const detailed = useQueries({
    queries: tuned
      .slice(0, WITH_DETAILS)
      .map(({ model }) => ({ ...modelQuery(model.id), refetchInterval: false as const, staleTime: 60_000 })),
  })
  const detailsOf = (id: string) => detailed.find(({ data }) => data?.id === id)?.data?.details
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
      key: 'state',
      head: t.models.state,
      cell: ({ model }) => {
        const details = detailsOf(model.id)
        return details && <StateOf details={details} />
      },
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

/** Whether it answers at once, how large it is, and when it was last asked. */
function StateOf({
  details: { loaded, context_length, size_bytes, last_used_at },
}: {
  details: ModelDetails
}) {
  const t = useT()
  const state = context_length === null ? t.models.isGone : loaded ? t.models.isLoaded : t.models.isCold
  return (
    <div className={styles.state}>
      <p>{size_bytes === null ? state : `${state} · ${bytes(size_bytes)}`}</p>
      <p className="quiet">
        {last_used_at === null ? (
          t.models.neverUsed
        ) : (
          <>
            {t.models.facts.used} <Age unixS={last_used_at} />
          </>
        )}
      </p>
    </div>
  )
}
