import { beforeEach, describe, expect, it, vi } from 'vitest'
import { ApiError } from '@/api/errors'
import type { Estimate } from '@/api/estimate'
import { requestNames } from '@/lib/requestNames'
import { changes, EMPTY, type Form } from '@/pages/create/form'
import { forget, keep, left, linked } from '@/pages/create/kept'
import { type Forecast, objection } from '@/pages/create/useForecast'

const at = (query: string) => new URLSearchParams(query)
const typed = (changed: Partial<Form>): Form => ({ ...EMPTY, ...changed })

describe('the form of a job, as it was left', () => {
  beforeEach(() => {
    const kept = new Map<string, string>()
    vi.stubGlobal('sessionStorage', {
      getItem: (name: string) => kept.get(name) ?? null,
      setItem: (name: string, text: string) => kept.set(name, text),
    })
  })
  it('is there again, also of a duplicate, whatever was typed beside it', () => {
    expect(left(at(''))).toBeNull()
    keep(at(''), typed({ suffix: 'mine' }))
    keep(at('from=ftjob-1'), typed({ suffix: 'second-try', values: { ...EMPTY.values, n_epochs: '4' } }))
    expect(left(at(''))?.suffix).toBe('mine')
    expect(left(at('from=ftjob-1'))?.values.n_epochs).toBe('4')
    expect(left(at('from=ftjob-2'))).toBeNull()
  })
  it('takes what a link names when it leads here, and keeps what was chosen after that', () => {
    keep(at(''), typed({ suffix: 'mine', training: 'file-1' }))
    expect(left(at('file=file-2'))).toMatchObject({ suffix: 'mine', training: 'file-2' })
    keep(at('file=file-2'), typed({ suffix: 'mine', training: 'file-3' }))
    expect(left(at('file=file-2'))?.training).toBe('file-3')
  })
  it('is forgotten alone', () => {
    keep(at(''), typed({ suffix: 'mine' }))
    keep(at('from=ftjob-1'), typed({ suffix: 'other' }))
    forget(at('file=file-1')) // of the same slot as the bare address
    expect(left(at(''))).toBeNull()
    expect(left(at('from=ftjob-1'))?.suffix).toBe('other')
  })
})

describe('what differs', () => {
  it('is nothing after a link has filled fields in', () => {
    const search = at('file=file-1&model=nano&method=dpo')
    expect(linked(search)).toMatchObject({ training: 'file-1', model: 'nano', method: 'dpo' })
    expect(changes(linked(search), linked(search))).toEqual([])
  })
  it('is named for every field', () => {
    const other: Form = {
      method: 'dpo',
      model: 'a',
      training: 'b',
      validation: 'c',
      suffix: 'd',
      seed: '1',
      values: { n_epochs: '1', batch_size: '2', learning_rate_multiplier: '3', beta: '4' },
    }
    expect(changes(other, EMPTY)).toEqual([
      ...['method', 'model', 'training', 'validation', 'suffix', 'seed'],
      ...['n_epochs', 'batch_size', 'learning_rate_multiplier', 'beta'],
    ])
  })
})

describe('a request', () => {
  it('keeps its name while it is the same, and a changed one has another', () => {
    const nameOf = requestNames()
    const first = nameOf({ model: 'nano', suffix: 'a' })
    expect(nameOf({ model: 'nano', suffix: 'b' })).not.toBe(first)
    expect(nameOf({ model: 'nano', suffix: 'a' })).toBe(first)
    expect(requestNames()({ model: 'nano', suffix: 'a' })).not.toBe(first)
  })
})

describe('what the server has against a form', () => {
  const forecast = (given: Partial<Forecast>): Forecast => ({
    estimate: null,
    stale: false,
    error: null,
    lacks: null,
    retry: () => undefined,
    ...given,
  })
  const failure = { code: 'invalid_n_examples', param: 'training_file', message: 'too few' }
  const failing = { would_fail: failure } as unknown as Estimate

  it('is that it would refuse it, or that the job would fail', () => {
    expect(objection(forecast({ error: new ApiError('no', 400, null, 'suffix') }))?.param).toBe('suffix')
    expect(objection(forecast({ estimate: failing }))).toMatchObject(failure)
  })
  it('is nothing while it has said nothing about this very form', () => {
    expect(objection(forecast({}))).toBeNull()
    expect(objection(forecast({ estimate: failing, stale: true }))).toBeNull()
    for (const status of [0, 401, 429, 503])
      expect(objection(forecast({ error: new ApiError('later', status) }))).toBeNull()
  })
})
