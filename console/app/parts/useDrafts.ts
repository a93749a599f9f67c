/** The drafts of this key's project, and what one lacks: told of changes in any tab. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { type Draft, DraftFault, draftQuery, draftsQuery, onDraftsChange } from '@/api/drafts'
import { sentence } from '@/api/errors'
import { serverQuery } from '@/api/server'
import { type Messages, useT } from '@/i18n'
import { FEWEST_ROWS, MOST_ROWS } from '@/lib/drafts'
import { count } from '@/lib/number'
import type { RowFault } from '@/lib/rowFaults'

function useFresh(): void {
  const client = useQueryClient()
  useEffect(() => onDraftsChange(() => client.invalidateQueries({ queryKey: ['drafts'] })), [client])
}

export function useDrafts() {
  useFresh()
  return useQuery(draftsQuery())
}

export function useDraft(name: string) {
  useFresh()
  return useQuery(draftQuery(name))
}

/** The rows that a job needs, by the server's own word. */
export function useFewest(): number {
  const { data } = useQuery(serverQuery())
  return data?.minimum_rows.training_file ?? FEWEST_ROWS
}

/** How far a draft is: `7 of 10 rows needed`, `12 rows, enough for a job`. */
export function useFill(): (draft: Pick<Draft, 'rows'>) => string {
  const t = useT()
  const fewest = useFewest()
  return ({ rows }) =>
    rows < fewest
      ? t.drafts.needed({ rows: count(rows), fewest: count(fewest) })
      : t.drafts.enough({ count: rows, text: count(rows) })
}

/** Why it was not saved, in the reader's language. */
export function draftSentence(error: unknown, t: Messages): string {
  if (!(error instanceof DraftFault)) return sentence(error, t)
  if (error.code === 'full') return t.drafts.errors.full({ most: count(MOST_ROWS) })
  return t.drafts.errors[error.code]
}

export function faultSentence({ code, place }: RowFault, t: Messages): string {
  const words = t.drafts.faults[code]
  return typeof words === 'string' ? words : words({ place })
}
