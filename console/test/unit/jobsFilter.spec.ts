import { describe, expect, it } from 'vitest'
import type { ListedJob } from '@/api/jobs'
import { asked, callOf, matches, pairOf, type Wanted } from '@/pages/jobs/filter'

const wanted = (changed: Partial<Wanted>): Wanted => ({ status: '', q: '', base: '', meta: '', ...changed })
const job = (changed: Partial<ListedJob>): ListedJob =>
  ({
    id: 'ftjob-1',
    model: 'nano',
    status: 'succeeded',
    metadata: { team: 'ops' },
    fine_tuned_model: null,
    training_file: 'file-1',
    progress: null,
    ...changed,
  }) as ListedJob

describe('the filter of the jobs', () => {
  it('asks for a pair once it is one', () => {
    for (const meta of ['', 'team', '=ops']) expect(pairOf(meta)).toBeUndefined()
    expect(pairOf(' team = a=b ')).toEqual({ key: 'team', value: 'a=b' })
    expect(asked(wanted({ meta: 'team=' })).metadata).toEqual({ key: 'team', value: '' })
  })
  it('has the server look for the base where it looks for nothing else', () => {
    expect(asked(wanted({ base: 'nano' })).q).toBe('nano')
    expect(asked(wanted({ base: 'nano', q: 'mine' })).q).toBe('mine')
  })
  it('keeps only jobs of the base, also those that went on from a tuned model', () => {
    const progress = {} as ListedJob['progress'] // the server has filtered the rest
    for (const [model, kept] of [
      ['nano', true],
      ['ft:nano:acme:mine:abc', true],
      ['nano-large', false],
    ] as const)
      expect(matches(job({ model, progress }), wanted({ base: 'nano' }))).toBe(kept)
  })
  it('looks for the pair itself where the server cannot', () => {
    expect(matches(job({}), wanted({ meta: 'team=ops' }))).toBe(true)
    expect(matches(job({}), wanted({ meta: 'team=web' }))).toBe(false)
  })
  it('is told as a call, OpenAI’s parameters apart from ours', () => {
    const call = callOf(wanted({ status: 'failed', meta: 'team=ops', after: 'ftjob-9' }))
    expect(call.query).toEqual({ limit: 50, after: 'ftjob-9', metadata: { team: 'ops' } })
    expect(call.ownQuery).toEqual({ status: 'failed', include: 'progress' })
  })
})
