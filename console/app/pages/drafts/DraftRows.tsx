/** The rows of a draft, a page at a time; what was deleted leaves its place, from where it can come back. */
import { useEffect, useRef, useState } from 'react'
import { useSearchParams } from 'react-router'
import { type DraftWithRows, putBack, type Removed, removeRows, type SavedRow } from '@/api/drafts'
import { isDialogOpen, isShortcut, useKeys } from '@/frame/keys'
import { useT } from '@/i18n'
import { count } from '@/lib/number'
import { draftSentence } from '@/parts/useDrafts'
import { paths } from '@/paths'
import { Button, ButtonLink } from '@/ui/Button'
import { toast } from '@/ui/Toast'
import { DraftRowCard } from './DraftRowCard'
import styles from './Drafts.module.css'
import { EditRow } from './EditRow'

const PER_PAGE = 50

type Gap = { id: number; removed: Removed }
type Shown = { number: number; saved: SavedRow } | Gap

/** Rows and gaps in the order of their saving; gaps have no number. */
function merged(saved: readonly SavedRow[], gaps: readonly Gap[]): Shown[] {
  const rows = saved.map((one, index) => ({ number: index + 1, saved: one }))
  const idOf = (one: Shown) => ('saved' in one ? one.saved.id : one.id)
  return [...rows, ...gaps].sort((a, b) => idOf(a) - idOf(b))
}

export function DraftRows({ draft }: { draft: DraftWithRows }) {
  const t = useT()
  const [search] = useSearchParams()
  const [gaps, setGaps] = useState<Gap[]>([])
  const [editing, setEditing] = useState<{ number: number; saved: SavedRow } | null>(null)
  const list = useRef<HTMLOListElement>(null)
  /** The row that comes back: it takes the focus once it is there. */
  const back = useRef<number | null>(null)
  useEffect(() => {
    if (back.current === null) return
    const row = list.current?.querySelector<HTMLElement>(`[data-row="${back.current}"]`)
    if (!row) return
    back.current = null
    row.focus()
  })
  const there = new Set(draft.saved.map(({ id }) => id))
  const shown = merged(
    draft.saved,
    gaps.filter(({ id }) => !there.has(id)),
  )
  const wanted = Math.floor(Number(search.get('from'))) || 1
  const from = wanted >= 1 && wanted <= shown.length ? wanted : 1
  const rows = shown.slice(from - 1, from - 1 + PER_PAGE)
  const remove = async (id: number) => {
    try {
      const removed = await removeRows([id])
      setGaps((before) => [...before, { id, removed }])
    } catch (error) {
      toast(draftSentence(error, t), { kind: 'bad' })
    }
  }
  const undo = async (gap: Gap) => {
    try {
      await putBack(gap.removed)
      back.current = gap.id
      setGaps((before) => before.filter((one) => one !== gap))
    } catch (error) {
      toast(draftSentence(error, t), { kind: 'bad' })
    }
  }
  useRowKeys(list, () => {
    const last = gaps.at(-1)
    if (last) undo(last)
  })
  if (!shown.length) return <Empty />
  return (
    <>
      {shown.length > PER_PAGE && (
        <p className="quiet">
          {t.drafts.shown({
            from: count(from),
            to: count(from + rows.length - 1),
            all: count(shown.length),
          })}
        </p>
      )}
      <ol className={styles.rows} ref={list}>
        {rows.map((one) =>
          'saved' in one ? (
            <li key={one.saved.id}>
              <DraftRowCard
                number={one.number}
                saved={one.saved}
                onEdit={() => setEditing(one)}
                onRemove={() => remove(one.saved.id)}
              />
            </li>
          ) : (
            <li key={one.id} className={styles.gone} role="status">
              <span>{t.drafts.removed}</span>
              <Button small autoFocus onClick={() => undo(one)}>
                {t.drafts.undo}
              </Button>
            </li>
          ),
        )}
      </ol>
      <nav className={styles.pages} aria-label={t.shared.pages}>
        {from > 1 && (
          <ButtonLink small icon="left" to={paths.draft(draft.name)}>
            {t.datasets.firstRowsLink}
          </ButtonLink>
        )}
        {from - 1 + PER_PAGE < shown.length && (
          <ButtonLink small icon="right" to={paths.draft(draft.name, { from: from + PER_PAGE })}>
            {t.datasets.nextRows}
          </ButtonLink>
        )}
      </nav>
      {editing && <EditRow {...editing} onClose={() => setEditing(null)} />}
    </>
  )
}

function Empty() {
  const t = useT()
  return (
    <section className={styles.empty}>
      <h2>{t.drafts.empty}</h2>
      <p>{t.drafts.emptyText}</p>
      <ButtonLink icon="playground" to={paths.playground()}>
        {t.drafts.toPlayground}
      </ButtonLink>
    </section>
  )
}

/** `[` and `]` lead from row to row, Ctrl+Z brings back what was deleted last. */
function useRowKeys(list: { current: HTMLElement | null }, undo: () => void): void {
  useKeys((event) => {
    const target = event.target as HTMLElement
    if (event.key === 'z' && (event.ctrlKey || event.metaKey) && !event.shiftKey) {
      if (event.isComposing || isDialogOpen() || target.closest('input, textarea, select')) return
      event.preventDefault()
      return undo()
    }
    const by = { ']': 1, '[': -1 }[event.key]
    if (!by || !isShortcut(event)) return
    const rows = [...(list.current?.querySelectorAll<HTMLElement>('[data-row]') ?? [])]
    const at = rows.findIndex((row) => row.contains(document.activeElement))
    const row = rows[at < 0 ? 0 : at + by]
    if (!row) return
    event.preventDefault()
    row.focus()
    row.scrollIntoView({ block: 'nearest' })
  })
}
