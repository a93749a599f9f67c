import { describe, expect, it } from 'vitest'
import { en } from '@/i18n/en'
import { curveOfColumns } from '@/lib/series'
import { CHARTS, linesOf } from '@/pages/job/view'

describe('the lines of a comparison', () => {
  const [loss] = CHARTS
  const job = (id: string, validated: boolean, full: (number | null)[]) => ({
    id,
    name: id,
    validated,
    curve: curveOfColumns({ step: [1, 2], train_loss: [3, 2], full_valid_loss: full }),
  })
  it('say which job has no validation, and not that of one that has not come to it', () => {
    const jobs = [
      job('old', true, [null, 2]),
      job('young', true, [null, null]),
      job('none', false, [null, null]),
    ]
    const labels = loss && linesOf(loss, jobs, 'step', 0.6, en).map((line) => line.label)
    expect(labels).toEqual(['old', 'old: Whole validation file', 'young', 'none (no validation)'])
  })
})
