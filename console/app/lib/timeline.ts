/** The stages of a job, read off its events: the wire's status says only where it is now. */
import type { CurveEvent } from './series'

export const STAGES = [
  'created',
  'validating',
  'queued',
  'running',
  'pausing',
  'paused',
  'interrupted',
  'resumed',
  'saving',
  'succeeded',
  'failed',
  'cancelled',
] as const
export type Stage = (typeof STAGES)[number]
export type Entry = {
  stage: Stage
  atS: number
  /** From which training goes on. */
  step: number | null
  /** Jobs that trained or waited before this one when it took its place in the queue. */
  ahead: number | null
  message: string
}

/** The server's sentences, OpenAI's where it has one. The first that fits counts. */
const SENTENCES: [RegExp, Stage][] = [
  [/^Created fine-tuning job/, 'created'],
  [/^Validating training file/, 'validating'],
  [/moving job to queued state$/, 'queued'],
  [/^Fine-tuning job started/, 'running'],
  [/^Pausing fine-tuning job/, 'pausing'],
  [/^Fine-tuning job paused/, 'paused'],
  [/^Training was interrupted/, 'interrupted'],
  [/^Training (resumed|restarted)/, 'resumed'],
  [/^New fine-tuned model created/, 'saving'],
  [/^The job has successfully completed/, 'succeeded'],
  [/^Fine-tuning job cancelled/, 'cancelled'],
]

/** Oldest first. `events` are newest first, as the wire has them. */
export function timeline(events: readonly (CurveEvent & { message: string; level: string })[]): Entry[] {
  const entries: Entry[] = []
  for (const event of [...events].reverse()) {
    if (event.type === 'metrics') continue
    const stage =
      SENTENCES.find(([sentence]) => sentence.test(event.message))?.[1] ??
      (event.level === 'error' && 'error_code' in event.data ? 'failed' : undefined)
    if (!stage) continue
    const { resume_step: from, queue_position: ahead } = event.data
    const entry = {
      stage,
      atS: event.created_at,
      step: typeof from === 'number' ? from : null,
      ahead: typeof ahead === 'number' ? ahead : null,
      message: event.message,
    }
    // what begins in the very second that the stage before it ended takes its place in one line all the same
    if (entries.at(-1)?.stage !== stage) entries.push(entry)
  }
  return entries
}

/** The step from which a paused job will go on; null while it is not known. */
export function pausedAt(entries: readonly Entry[]): number | null {
  const last = entries.at(-1)
  return last?.stage === 'paused' ? last.step : null
}

/** Seconds in each stage; the last one is still going on while the job lives. */
export const lengths = (entries: readonly Entry[], nowS: number | null): (number | null)[] =>
  entries.map((entry, index) => {
    const next = entries[index + 1]?.atS ?? nowS
    return next === null ? null : Math.max(0, next - entry.atS)
  })
