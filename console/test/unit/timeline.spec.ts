import { describe, expect, it } from 'vitest'
import { lengths, pausedAt, timeline } from '@/lib/timeline'

const said = (created_at: number, message: string, data: Record<string, unknown> = {}, level = 'info') => ({
  created_at,
  message,
  data,
  level,
  type: 'message',
})

describe('the stages of a job', () => {
  const events = [
    said(9, 'Training resumed from step 12', { attempt: 2, resume_step: 12 }),
    said(
      7,
      'Training was interrupted (its worker was lost); it will go on from step 12',
      { resume_step: 12 },
      'warn',
    ),
    said(4, 'Fine-tuning job started'),
    said(3, 'Files validated, moving job to queued state', { queue_position: 2 }),
    said(1, 'Validating training file: file-1'),
    said(1, 'Created fine-tuning job: ftjob-1'),
  ]
  it('are read off its events, with the seams', () => {
    expect(timeline(events).map(({ stage, step }) => [stage, step])).toEqual([
      ['created', null],
      ['validating', null],
      ['queued', null],
      ['running', null],
      ['interrupted', 12],
      ['resumed', 12],
    ])
  })
  it('tell the place in the queue', () => {
    expect(timeline(events).map(({ ahead }) => ahead)).toEqual([null, null, 2, null, null, null])
  })
  it('tell where it is paused, and nothing of an earlier pause', () => {
    const paused = said(12, 'Fine-tuning job paused at step 12', { resume_step: 12 })
    expect(pausedAt(timeline([paused, ...events]))).toBe(12)
    expect(
      pausedAt(timeline([said(14, 'Pausing fine-tuning job after the current step'), paused])),
    ).toBeNull()
    expect(pausedAt(timeline(events))).toBeNull()
  })
  it('have lengths, the last one as long as the job lives', () => {
    expect(lengths(timeline(events), 19)).toEqual([0, 2, 1, 3, 2, 10])
    expect(lengths(timeline(events), null).at(-1)).toBeNull()
  })
  it('end with the failure, which has a code', () => {
    const failed = said(5, 'Line 3 is not JSON', { error_code: 'invalid_file_format' }, 'error')
    expect(timeline([failed, ...events.slice(3)]).at(-1)?.stage).toBe('failed')
  })
})
