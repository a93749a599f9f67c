import { describe, expect, it } from 'vitest'
import { silence } from '@/lib/pace'
import { lengths, timeline } from '@/lib/timeline'

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
    said(3, 'Files validated, moving job to queued state'),
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
  it('have lengths, the last one as long as the job lives', () => {
    expect(lengths(timeline(events), 19)).toEqual([0, 2, 1, 3, 2, 10])
    expect(lengths(timeline(events), null).at(-1)).toBeNull()
  })
  it('end with the failure, which has a code', () => {
    const failed = said(5, 'Line 3 is not JSON', { error_code: 'invalid_file_format' }, 'error')
    expect(timeline([failed, ...events.slice(3)]).at(-1)?.stage).toBe('failed')
  })
})

describe('a run that has fallen silent', () => {
  it('is told by five times its usual pace, and never within half a minute', () => {
    expect(silence([0, 10, 20], 60)).toBeNull()
    expect(silence([0, 10, 20], 80)).toEqual({ sinceS: 60, usualS: 10 })
    expect(silence([0, 1, 2], 31)).toBeNull()
    expect(silence([5], 500)).toBeNull()
  })
})
