/** The price tag and its receipt: what was forecast when the job was created, beside what it has taken. */
import { useQuery } from '@tanstack/react-query'
import { Fragment, type ReactNode } from 'react'
import type { Job } from '@/api/client'
import { forecastQuery, type JobForecast } from '@/api/jobs'
import { isLive } from '@/api/states'
import { type Messages, useT } from '@/i18n'
import { duration, money } from '@/lib/number'

export type Fact = [name: string, value: ReactNode]

/** The facts of the head that come from the receipt; none where the server keeps none. */
export function useReceipt(job: Job): Fact[] {
  const t = useT()
  const { data } = useQuery(forecastQuery(job.id, isLive(job)))
  return data ? factsOf(job, data, t) : []
}

function factsOf(job: Job, { forecast, taken }: JobForecast, t: Messages): Fact[] {
  const facts: Fact[] = []
  const live = isLive(job)
  if (forecast) {
    const { low, high } = forecast.seconds
    const [least, most] = [duration(low), duration(high)]
    const words =
      taken.seconds > 0
        ? live
          ? t.job.forecastSoFar({ low: least, high: most, so: duration(taken.seconds) })
          : t.job.forecastTook({ low: least, high: most, took: duration(taken.seconds) })
        : `${least} – ${most}`
    const how = verdict(job, taken.seconds, forecast.seconds, t)
    facts.push([
      t.job.onDevice,
      <Fragment key="time">
        <span>{words}</span>
        {how && <span className="quiet"> · {how}</span>}
      </Fragment>,
    ])
  } else if (taken.seconds > 0) facts.push([t.job.onDevice, duration(taken.seconds)])
  if (taken.cost !== null && taken.seconds > 0) {
    const { currency } = taken
    const more =
      forecast?.cost &&
      ` · ${t.job.costForecast({ low: money(forecast.cost.low, currency), high: money(forecast.cost.high, currency) })}`
    facts.push([
      live ? t.job.costSoFar : t.job.cost,
      <span key="cost">
        {money(taken.cost, currency)}
        {more && <span className="quiet">{more}</span>}
      </span>,
    ])
  }
  return facts
}

/** How good the forecast was, once a job has gone its whole way. */
function verdict(
  job: Job,
  seconds: number,
  { low, high }: { low: number; high: number },
  t: Messages,
): string | undefined {
  if (job.status !== 'succeeded') return undefined
  return seconds < low ? t.job.verdicts.sooner : seconds > high ? t.job.verdicts.later : t.job.verdicts.within
}
