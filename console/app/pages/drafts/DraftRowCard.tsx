/** One saved row: a conversation, and for a comparison both replies side by side. */
import { memo } from 'react'
import type { SavedRow } from '@/api/drafts'
import { useT } from '@/i18n'
import { contextOf, isPreference, type RowMessage, textOf, toolsOf } from '@/lib/drafts'
import { count } from '@/lib/number'
import { harmless } from '@/lib/visible'
import { RowMessages } from '@/parts/RowMessages'
import { Button } from '@/ui/Button'
import styles from './Drafts.module.css'

type Props = { number: number; saved: SavedRow; onEdit: () => void; onRemove: () => void }

export const DraftRowCard = memo(
  function DraftRowCard({ number, saved: { id, row }, onEdit, onRemove }: Props) {
    const t = useT()
    const name = t.drafts.row({ number: count(number) })
    const tools = toolsOf(row)
    const pair = isPreference(row)
    return (
      <article className={styles.card} data-row={id} tabIndex={-1} aria-label={name}>
        <div className={styles.cardHead}>
          <h2>{name}</h2>
          {tools.length > 0 && (
            <span className="quiet">
              {t.drafts.tools({
                count: tools.length,
                names: harmless(tools.map((tool) => tool?.function?.name ?? '?').join(', ')),
              })}
            </span>
          )}
          <span className={styles.tools}>
            <Button
              kind="quiet"
              small
              icon="edit"
              aria-label={t.drafts.editRow({ number: count(number) })}
              onClick={onEdit}
            >
              {t.drafts.edit}
            </Button>
            <Button
              kind="quiet"
              small
              icon="close"
              aria-label={t.drafts.removeRow({ number: count(number) })}
              onClick={onRemove}
            >
              {t.drafts.remove}
            </Button>
          </span>
        </div>
        <RowMessages messages={contextOf(row)} learns={!pair} />
        {pair && (
          <div className={styles.sides}>
            <Side title={t.drafts.preferred} reply={row.preferred_output[0]} preferred />
            <Side title={t.drafts.other} reply={row.non_preferred_output[0]} />
          </div>
        )}
      </article>
    )
  },
  (before, now) => before.number === now.number && before.saved.row === now.saved.row,
)

function Side({
  title,
  reply,
  preferred,
}: {
  title: string
  reply: RowMessage | undefined
  preferred?: boolean
}) {
  return (
    <div className={styles.side} data-preferred={preferred}>
      <h3>{title}</h3>
      <div className={styles.text}>{reply ? harmless(textOf(reply)) : ''}</div>
    </div>
  )
}
