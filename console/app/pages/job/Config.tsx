/** What was asked for, what it became, and why: from the job alone, never from a form. */
import type { Job, JobEvent } from '@/api/client'
import { save } from '@/api/files'
import { methodOf, nameOf, settingsOf } from '@/api/jobs'
import { useT } from '@/i18n'
import { count } from '@/lib/number'
import { type Explained, reasonText } from '@/lib/reasons'
import { Button } from '@/ui/Button'
import { CopyButton } from '@/ui/CopyButton'
import { Table } from '@/ui/Table'
import styles from './Parts.module.css'

type Resolved = { value: number; requested: unknown } & Explained
type Row = { name: string; wire: string; asked: string; became: string; reason: string }

/** The data of the newest event that has `key`. */
function told(events: JobEvent[], key: string): Record<string, unknown> {
  return events.find((event) => event.data[key] !== undefined)?.data ?? {}
}

export function Config({ job, events }: { job: Job; events: JobEvent[] }) {
  const t = useT()
  const resolved = (told(events, 'resolved').resolved ?? {}) as Record<string, Resolved>
  const weights = told(events, 'base_sha256')
  const data = told(events, 'tokens_per_epoch')
  const labels: Record<string, string> = t.create.names
  const names = [...new Set([...Object.keys(settingsOf(job)), ...Object.keys(resolved)])]
  const rows = names.map((name): Row => {
    const now = settingsOf(job)[name]
    const known = resolved[name]
    const asked = known ? known.requested : now
    return {
      name: labels[name] ?? name,
      wire: name,
      asked: asked === null || asked === undefined ? '' : `${asked}`,
      became: known ? `${Number(known.value.toPrecision(6))}` : now === 'auto' ? t.config.pending : `${now}`,
      reason: known ? reasonText(known, t) : '',
    }
  })
  const facts: [string, string | null][] = [
    [t.config.model, job.model],
    [t.config.weights, textOf(weights.served_by)],
    [t.config.digest, textOf(weights.base_sha256)],
    [t.job.method, t.jobs.methods[methodOf(job)] ?? methodOf(job)],
    [t.config.seed, `${job.seed}`],
    [t.config.suffix, job.user_provided_suffix],
    ...Object.entries(t.config.facts).map(([name, label]): [string, string | null] => [
      label,
      textOf(data[name]),
    ]),
    ...Object.entries(job.metadata ?? {}).map(([key, value]): [string, string] => [
      `${t.config.metadata}: ${key}`,
      value,
    ]),
  ]
  const all = { job, resolved, weights, data }
  return (
    <div className={styles.config}>
      <Table
        caption={t.config.caption}
        rows={rows}
        rowKey={(row) => row.wire}
        columns={[
          {
            key: 'name',
            head: t.config.setting,
            bare: true,
            cell: (row) => (
              <>
                <strong>{row.name}</strong>{' '}
                {row.name !== row.wire && <code className="quiet">{row.wire}</code>}
              </>
            ),
          },
          { key: 'asked', head: t.config.asked, cell: (row) => <span className="mono">{row.asked}</span> },
          {
            key: 'became',
            head: t.config.became,
            cell: (row) => <strong className="mono">{row.became}</strong>,
          },
          {
            key: 'reason',
            head: t.config.reason,
            cell: (row) => <span className="quiet">{row.reason}</span>,
          },
        ]}
      />
      <dl className={styles.facts}>
        {facts.map(
          ([name, value]) =>
            value !== null && (
              <div key={name}>
                <dt>{name}</dt>
                <dd>
                  <span className="mono">{value}</span>
                  {value.length > 16 && <CopyButton text={value} what={name} />}
                </dd>
              </div>
            ),
        )}
      </dl>
      <div>
        <Button
          icon="download"
          onClick={() =>
            save(
              new Blob([JSON.stringify(all, null, 2)], { type: 'application/json' }),
              `${nameOf(job)}.json`,
            )
          }
        >
          {t.config.json}
        </Button>
      </div>
    </div>
  )
}

function textOf(value: unknown): string | null {
  if (typeof value === 'number') return count(value)
  return typeof value === 'string' ? value : null
}
