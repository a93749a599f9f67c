/** The rows of a training file as the trainer sees them: token by token, trained on, only read, or cut off. */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { type FormEvent, useRef } from 'react'
import { useNavigate, useSearchParams } from 'react-router'
import type { FileObject } from '@/api/client'
import { rowsQuery } from '@/api/report'
import { isShortcut, useKeys } from '@/frame/keys'
import { useUrlState } from '@/frame/useUrlState'
import { useT } from '@/i18n'
import { oneOf } from '@/lib/urlState'
import { Problem } from '@/parts/Problem'
import { TokenLegend } from '@/parts/TokenText'
import { paths } from '@/paths'
import { Button, ButtonLink } from '@/ui/Button'
import { Input, Segments } from '@/ui/Field'
import type { IconName } from '@/ui/Icon'
import { Skeleton } from '@/ui/Skeleton'
import { Beginning } from './Beginning'
import styles from './Dataset.module.css'
import { RowCard } from './RowCard'

const ONLY = oneOf('', 'errors', 'cut')

export function Rows({ file, model }: { file: FileObject; model: string }) {
  const t = useT()
  const navigate = useNavigate()
  const [search] = useSearchParams()
  const [only] = useUrlState('only', ONLY)
  const line = lineOf(search.get('line'))
  const before = lineOf(search.get('before'))
  const place = before ? { beforeLine: before } : { afterLine: (line ?? 1) - 1 }
  const { data, error, refetch, isPending, isPlaceholderData } = useQuery({
    ...rowsQuery(file.id, { model: model || undefined, only: only || undefined, ...place }),
    placeholderData: keepPreviousData,
  })
  const list = useRef<HTMLDivElement>(null)
  const to = (changed: { line?: number; before?: number; only?: string }) =>
    paths.dataset(file.id, { tab: 'rows', model: model || undefined, only: only || undefined, ...changed })
  const [first, last] = [data?.data[0], data?.data.at(-1)]
  const hasEarlier = before ? data?.has_more : (line ?? 1) > 1
  const earlier = hasEarlier ? to({ before: first?.line ?? line ?? undefined }) : null
  const later = (before || data?.has_more) && last ? to({ line: last.line + 1 }) : null
  useRowKeys(list, earlier, later)
  // whoever goes on from row to row comes to the nearest one of the next page
  const wanted = isPlaceholderData ? undefined : before ? last : line ? first : undefined
  if (error) return <Problem error={error} onRetry={refetch} />
  if (isPending) return <Skeleton height="8rem" lines={3} />
  if (!data) return <Beginning file={file} note={t.datasets.noReport} />
  const go = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const wanted = Number(new FormData(event.currentTarget).get('line'))
    if (wanted >= 1) navigate(to({ line: Math.floor(wanted), only: undefined }))
  }
  return (
    <div className={styles.rows}>
      <div className={styles.rowsBar}>
        <Segments
          legend={t.datasets.only}
          hidden
          value={only}
          options={[
            { value: '', label: t.datasets.onlyAll },
            { value: 'errors', label: t.datasets.onlyErrors },
            { value: 'cut', label: t.datasets.onlyCut },
          ]}
          onChange={(value) => navigate(to({ only: value || undefined, line: undefined }), { replace: true })}
        />
        <form onSubmit={go} className={styles.goTo} key={line}>
          <Input
            name="line"
            inputMode="numeric"
            aria-label={t.datasets.goTo}
            placeholder={t.datasets.goTo}
            defaultValue={line ?? ''}
          />
          <Button type="submit" icon="right" aria-label={t.datasets.goTo} />
        </form>
        <TokenLegend />
        <span className="quiet">{t.datasets.boundaries}</span>
      </div>
      <div ref={list} className={styles.rowsList}>
        {data.data.map((row) => (
          <RowCard
            key={row.line}
            file={file.id}
            model={model}
            row={row}
            contextLength={data.context_length}
            wanted={row === wanted}
          />
        ))}
      </div>
      {!data.data.length && data.status === 'completed' && <p className="quiet">{t.datasets.noRows}</p>}
      <nav className={styles.pages} aria-label={t.shared.pages}>
        {earlier && (
          <ButtonLink small to={to({})}>
            {t.datasets.firstRowsLink}
          </ButtonLink>
        )}
        <Turn to={earlier} icon="left" label={t.datasets.previousRows} none={t.datasets.noEarlierRows} />
        <Turn to={later} icon="right" label={t.datasets.nextRows} none={t.datasets.noLaterRows} />
      </nav>
    </div>
  )
}

/** A line number, from 1; null where the text is none. */
const lineOf = (text: string | null): number | null => {
  const line = Math.floor(Number(text))
  return line >= 1 ? line : null
}

function Turn({ to, icon, label, none }: { to: string | null; icon: IconName; label: string; none: string }) {
  return to ? (
    <ButtonLink small icon={icon} to={to}>
      {label}
    </ButtonLink>
  ) : (
    <Button small icon={icon} disabledReason={none}>
      {label}
    </Button>
  )
}

/** `[` and `]` lead from row to row, and on to the page before or behind. */
function useRowKeys(
  list: { current: HTMLElement | null },
  earlier: string | null,
  later: string | null,
): void {
  const navigate = useNavigate()
  useKeys((event) => {
    const by = { ']': 1, '[': -1 }[event.key]
    if (!by || !isShortcut(event)) return
    const rows = [...(list.current?.querySelectorAll<HTMLElement>('[data-row]') ?? [])]
    const at = rows.findIndex((row) => row.contains(document.activeElement))
    const row = rows[at < 0 ? 0 : at + by]
    const page = by > 0 ? later : earlier
    if (!row && !page) return
    event.preventDefault()
    if (!row) return navigate(page as string)
    row.focus()
    row.scrollIntoView({ block: 'nearest' })
  })
}
