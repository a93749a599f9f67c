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
  const line = Math.max(1, Math.floor(Number(search.get('line')) || 1))
  const asked = { model: model || undefined, afterLine: line - 1, only: only || undefined }
  const { data, error, refetch, isPending } = useQuery({
    ...rowsQuery(file.id, asked),
    placeholderData: keepPreviousData,
  })
  const list = useRef<HTMLDivElement>(null)
  useRowKeys(list)
  const to = (changed: { line?: number; only?: string }) =>
    paths.dataset(file.id, { tab: 'rows', model: model || undefined, only: only || undefined, ...changed })
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
            defaultValue={line > 1 ? line : ''}
          />
          <Button type="submit" icon="right" aria-label={t.datasets.goTo} />
        </form>
        <TokenLegend />
      </div>
      <div ref={list} className={styles.rowsList}>
        {data.data.map((row) => (
          <RowCard
            key={row.line}
            row={row}
            contextLength={data.context_length}
            wanted={search.has('line') && row.line === line}
          />
        ))}
      </div>
      {!data.data.length && data.status === 'completed' && <p className="quiet">{t.datasets.noRows}</p>}
      <nav className={styles.pages} aria-label={t.shared.pages}>
        {line > 1 && (
          <ButtonLink small icon="left" to={to({ line: undefined })}>
            {t.datasets.firstRowsLink}
          </ButtonLink>
        )}
        {data.has_more && data.last_line && (
          <ButtonLink small icon="right" to={to({ line: data.last_line + 1 })}>
            {t.datasets.nextRows}
          </ButtonLink>
        )}
      </nav>
    </div>
  )
}

/** `[` and `]` lead from row to row. */
function useRowKeys(list: { current: HTMLElement | null }): void {
  useKeys((event) => {
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
