/** A job's states and what a person may do in each: the server's own table, which a test compares. */
import type { Messages } from '@/i18n'
import type { StateFacts } from '@/i18n/en/frame'
import type { Job } from './client'
import transitions from './transitions.json'

export type Status = keyof typeof transitions
export const STATUSES = Object.keys(transitions) as Status[]
export type Action = 'pause' | 'resume' | 'cancel'

const TABLE: Record<Status, string[]> = transitions
/** The states that something follows, as a list asks for them. */
export const LIVE_STATUSES = STATUSES.filter((status) => TABLE[status].length).join()

/** The status as one that we know; a newer server's is shown as it is. */
export const isStatus = (text: string): text is Status => text in TABLE

export const hasEnded = (status: string): boolean => isStatus(status) && TABLE[status].length === 0
export const isLive = (job: Job): boolean => !hasEnded(job.status)

function may(action: Action, status: string): boolean {
  if (!isStatus(status)) return true // the server will say
  if (action === 'cancel') return TABLE[status].includes('cancelled')
  if (action === 'pause') return TABLE[status].includes('paused')
  return status === 'paused'
}

/** Why the button does nothing now; undefined when it acts. */
export function whyNot(action: Action, status: string, facts: StateFacts, t: Messages): string | undefined {
  if (may(action, status)) return undefined
  const reason = t.states.whyNot[action][status as Status]
  return typeof reason === 'string' ? reason : reason(facts)
}
