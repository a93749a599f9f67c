/** The server's forecast for the form as it stands, asked for once the typing rests. */
import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { isApiError } from '@/api/client'
import { type Estimate, estimateQuery } from '@/api/estimate'
import { type Messages, useT } from '@/i18n'
import { warningText } from '@/lib/reasons'
import { type FieldName, type Form, faultsOf, fieldOf, requestOf } from './form'

const REST_MS = 300

export type Forecast = {
  /** Null: there is none, or none yet; `undefined`: the server has no such call. */
  estimate: Estimate | null | undefined
  /** The numbers are those of a moment ago. */
  stale: boolean
  error: unknown
  /** What has to be filled in or mended first. */
  lacks: 'files' | 'values' | null
  retry: () => void
}

export function useForecast(form: Form): Forecast {
  const t = useT()
  // the name and the seed change nothing of what a job takes
  const asked = { ...form, suffix: '', seed: '' }
  const faults = faultsOf(asked, t)
  const lacks = faults.model || faults.training ? 'files' : Object.keys(faults).length ? 'values' : null
  const text = lacks ? '' : JSON.stringify(requestOf(asked))
  const rested = useRested(text)
  const { data, error, isFetching, isPlaceholderData, refetch } = useQuery(
    estimateQuery(rested ? JSON.parse(rested) : null),
  )
  const known = lacks === 'files' || error ? null : data
  return {
    estimate: known === null && data === null && !error && !lacks ? undefined : (known ?? null),
    stale: text !== rested || isPlaceholderData || (isFetching && !data),
    error: text === rested && !lacks ? error : null,
    lacks,
    retry: refetch,
  }
}

/** What the server says against single fields, where the form itself has nothing to say. */
export function told(
  { estimate, error, stale }: Forecast,
  t: Messages,
): {
  refused: Partial<Record<FieldName, string>>
  notes: Partial<Record<FieldName, string[]>>
} {
  const refused: Partial<Record<FieldName, string>> = {}
  const notes: Partial<Record<FieldName, string[]>> = {}
  if (stale) return { refused, notes }
  for (const { param, message } of [isApiError(error) ? error : null, estimate?.would_fail].filter(
    (one) => one !== null && one !== undefined,
  )) {
    const field = fieldOf(param)
    if (field) refused[field] = message
  }
  for (const warning of estimate?.warnings ?? []) {
    const field = fieldOf(warning.param)
    if (field) notes[field] = [...(notes[field] ?? []), warningText(warning, t)]
  }
  return { refused, notes }
}

/** A text, once it has not changed for a while. */
function useRested(text: string): string {
  const [rested, setRested] = useState(text)
  useEffect(() => {
    const timer = setTimeout(() => setRested(text), REST_MS)
    return () => clearTimeout(timer)
  }, [text])
  return rested
}
