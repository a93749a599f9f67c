/** The server's forecast for the form as it stands, asked for once the typing rests. */
import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { isApiError } from '@/api/client'
import { ApiError } from '@/api/errors'
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

/** What is no verdict on the form: the key has ended, or the server is busy. */
const PASSING = [401, 408, 429]

/** Why the server would refuse the form as it stands, or fail its job; null where it has said no such thing. */
export function objection({ estimate, error, stale, lacks }: Forecast): ApiError | null {
  if (stale || lacks) return null
  if (isApiError(error))
    return error.status >= 400 && error.status < 500 && !PASSING.includes(error.status) ? error : null
  const failure = estimate?.would_fail
  return failure ? new ApiError(failure.message, 400, failure.code, failure.param) : null
}

/** What the server says about single fields, where the form itself has nothing to say. */
export function told(
  forecast: Forecast,
  t: Messages,
): {
  refused: Partial<Record<FieldName, string>>
  notes: Partial<Record<FieldName, string[]>>
} {
  const refused: Partial<Record<FieldName, string>> = {}
  const notes: Partial<Record<FieldName, string[]>> = {}
  const { estimate, stale } = forecast
  if (stale) return { refused, notes }
  const against = objection(forecast)
  const field = fieldOf(against?.param ?? null)
  if (against && field) refused[field] = against.message
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
