/** Keys as far as they may be shown: their name, their last characters, and when they were used. */
import { type AnyKey, isOwn } from '@/api/organization'
import { useT } from '@/i18n'
import { nowS } from '@/lib/now'
import { harmless } from '@/lib/visible'
import { Age } from '@/parts/Age'
import { Button } from '@/ui/Button'
import { Table, type TableColumn } from '@/ui/Table'
import styles from './Keys.module.css'

type Props = { caption: string; keys: AnyKey[]; onRevoke: (key: AnyKey) => void }

export function KeysTable({ caption, keys, onRevoke }: Props) {
  const t = useT()
  const columns: TableColumn<AnyKey>[] = [
    {
      key: 'name',
      head: t.keys.columns.name,
      bare: true,
      cell: (key) => (
        <div>
          <span className={styles.name}>{key.name}</span>
          {isOwn(key) && <p className={styles.own}>{t.keys.thisOne}</p>}
        </div>
      ),
    },
    { key: 'key', head: t.keys.columns.key, cell: (key) => <code>{key.redacted_value}</code> },
    // an admin key is its own owner
    ...(keys.some(({ owner }) => owner.type === 'service_account')
      ? [{ key: 'owner', head: t.keys.columns.owner, cell: ({ owner }: AnyKey) => accountOf(owner) }]
      : []),
    { key: 'created', head: t.keys.columns.created, cell: (key) => <Age unixS={key.created_at} /> },
    {
      key: 'used',
      head: t.keys.columns.used,
      cell: (key) =>
        key.last_used_at === null ? (
          <span className="quiet">{t.keys.neverUsed}</span>
        ) : (
          <Age unixS={key.last_used_at} />
        ),
    },
    { key: 'expires', head: t.keys.columns.expires, cell: (key) => <Expiry atS={key.expires_at} /> },
    {
      key: 'actions',
      head: <span className="hidden-text">{t.keys.columns.actions}</span>,
      bare: true,
      number: true,
      cell: (key) => (
        <Button small aria-label={t.keys.revokeThis({ name: key.name })} onClick={() => onRevoke(key)}>
          {t.keys.revoke}
        </Button>
      ),
    },
  ]
  return <Table caption={caption} columns={columns} rows={keys} rowKey={(key) => key.id} />
}

const accountOf = (owner: AnyKey['owner']): string =>
  owner.type === 'service_account' ? harmless(owner.service_account.name) : ''

function Expiry({ atS }: { atS: number | null }) {
  const t = useT()
  if (atS === null) return <span className="quiet">{t.keys.never}</span>
  if (atS <= nowS()) return <span className={styles.ended}>{t.keys.expired}</span>
  return <time dateTime={new Date(atS * 1000).toISOString()}>{t.shared.at({ unixS: atS })}</time>
}
