import { describe, expect, it } from 'vitest'
import {
  curveCsv,
  curveOfColumns,
  curveOfEvents,
  curveOfResultFile,
  epochAt,
  places,
  said,
  table,
} from '@/lib/series'

const metrics = (step: number, at: number, data: Record<string, number>) => ({
  type: 'metrics',
  created_at: at,
  data: { step, total_steps: 4, ...data },
})

describe('a curve', () => {
  const events = [
    metrics(2, 12, { train_loss: 1.9 }),
    { type: 'message', created_at: 11, data: { resume_step: 1 } },
    metrics(2, 10, { train_loss: 2.5 }),
    metrics(1, 9, { train_loss: 3, full_valid_loss: 2.75 }),
    { type: 'message', created_at: 8, data: { steps_per_epoch: 2, total_steps: 4 } },
  ]
  it('takes the later word on a step, and remembers the seam', () => {
    const curve = curveOfEvents(events)
    expect(curve.steps).toEqual([1, 2])
    expect(curve.columns.train_loss).toEqual([3, 1.9])
    expect(curve.columns.full_valid_loss).toEqual([2.75, null])
    expect(curve.seams).toEqual([1])
    expect(curve.totalSteps).toBe(4)
  })
  it('stands on steps, epochs and time, and says when it cannot stand on tokens', () => {
    const curve = curveOfEvents(events)
    expect(places(curve, 'epoch')).toEqual([0.5, 1])
    expect(places(curve, 'time')).toEqual([0, 3])
    expect(places(curve, 'tokens')).toBeNull()
  })
  it('never goes back in time, whatever the clock did', () => {
    const curve = curveOfColumns({ step: [1, 2, 3], created_at: [10, 8, 12] })
    expect(places(curve, 'time')).toEqual([0, 0, 2])
  })
  it('reads the result file, whose columns have the older names', () => {
    const curve = curveOfResultFile(
      'step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy\n1,2.5,0.5,,\n',
    )
    expect(curve.columns.train_mean_token_accuracy).toEqual([0.5])
    expect(curve.columns.valid_loss).toEqual([null])
  })
  it('gives as table and as CSV exactly what it has', () => {
    const runs = [{ name: 'a', curve: curveOfEvents(events) }]
    expect(table(runs).columns).toEqual(['step', 'train_loss', 'full_valid_loss'])
    expect(curveCsv(runs)).toBe('step,train_loss,full_valid_loss\n1,3,2.75\n2,1.9,\n')
  })
  it('stands beside others step by step, each row with the name of its job', () => {
    const young = curveOfEvents([metrics(1, 20, { train_loss: 4 })])
    const runs = [
      { name: 'a', curve: curveOfEvents(events) },
      { name: 'b, young', curve: young },
    ]
    expect(curveCsv(runs)).toBe(
      'step,job,train_loss,full_valid_loss\n1,a,3,2.75\n1,"b, young",4,\n2,a,1.9,\n',
    )
  })
  it('says in which epoch a step is, where the job tells', () => {
    const curve = curveOfEvents(events)
    expect([epochAt(curve, 4), epochAt(curve, 3)]).toEqual(['2', '1.5'])
    expect(epochAt(curveOfEvents([]), 4)).toBeNull()
  })
  it('says where it began, where it is, and what was best', () => {
    expect(said(curveOfEvents(events), 'train_loss', 'full_valid_loss', 'lower')).toEqual({
      from: 3,
      to: 1.9,
      steps: 2,
      best: { step: 1, value: 2.75 },
    })
    expect(said(curveOfEvents([]), 'train_loss', 'full_valid_loss', 'lower')).toBeNull()
  })
})
