import { describe, expect, it } from 'vitest'
import type { Job, Model } from '@/api/client'
import { jobOf } from '@/api/family'
import { dependantsOf, families, filtered } from '@/pages/models/tree'

const model = (id: string, served_by = 'nano'): Model =>
  ({ id, object: 'model', created: 1, owned_by: 'x', shutdown_date: null, served_by }) as Model
const job = (id: string, fine_tuned_model: string, base = 'nano'): Job =>
  ({ id, fine_tuned_model, model: base }) as Job

const MODELS = [
  model('ft:gpt-4o:me:bot:1'),
  model('nano'),
  model('gpt-4o'),
  model('large', 'large'),
  model('ft:x:me::2', 'gone'),
]
const JOBS = [job('ftjob-1', 'ft:gpt-4o:me:bot:1'), job('ftjob-2', 'ft:x:me::2', 'ft:gpt-4o:me:bot:1')]

describe('the family of models', () => {
  const all = families(MODELS, JOBS)
  it('has each model once, under the weights that answer, even when those have no name any more', () => {
    expect(all.map(({ base, aliases, tuned }) => [base.id, aliases, tuned.map(({ name }) => name)])).toEqual([
      ['nano', ['gpt-4o'], ['bot']],
      ['large', [], []],
      ['gone', [], ['ft:x:me::2']],
    ])
  })
  it('is filtered by kind and by words', () => {
    expect(filtered(all, { kind: 'tuned', q: '' }).map(({ base }) => base.id)).toEqual(['nano', 'gone'])
    expect(filtered(all, { kind: 'all', q: 'ftjob-1' }).map(({ tuned }) => tuned.length)).toEqual([1])
    expect(filtered(all, { kind: 'all', q: 'GPT-4o' }).map(({ base }) => base.id)).toEqual(['nano'])
  })
  it('finds the job of a model and of its checkpoints, and what was made on top', () => {
    expect(jobOf(JOBS, 'ft:gpt-4o:me:bot:1:ckpt-step-12')?.id).toBe('ftjob-1')
    expect(jobOf(JOBS, 'nano')).toBeUndefined()
    expect(dependantsOf('ft:gpt-4o:me:bot:1', JOBS)).toEqual(['ft:x:me::2'])
  })
})
