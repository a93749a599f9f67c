/** A server with something of everything on it, made through the API: what pictures and checks look at. */
import { readFileSync } from 'node:fs'
import { sample } from './stories/people'
import { call, createdJob, endedJob, type Job, uploaded, uploadedSample } from './stories/tuned'
import { faultyRows, type Known } from './visits'

type Listed = Job & { user_provided_suffix: string | null; training_file: string }
const NAMES = ['support-tone', 'support-tone-8', 'airport-desk', 'refused']

/** Makes what is not there yet; a second call finds it. */
export async function prepared(url: string, key?: string): Promise<Known> {
  const { data } = await call<{ data: Listed[] }>(url, '/fine_tuning/jobs?limit=100', {}, key)
  const known = new Map(data.map((job) => [job.user_provided_suffix, job]))
  const good = readFileSync(sample('marv/train.jsonl'), 'utf8').trim().split('\n')
  if (!known.has(NAMES[0] as string)) {
    const training = await uploadedSample(url, 'train', key)
    const validation = await uploadedSample(url, 'valid', key)
    const made = { training, validation, key }
    await uploaded(url, 'with-faults.jsonl', faultyRows(good), key)
    await createdJob(url, { ...made, suffix: NAMES[0], hyperparameters: { n_epochs: 12, batch_size: 4 } })
    await createdJob(url, { ...made, suffix: NAMES[1], hyperparameters: { n_epochs: 12, batch_size: 8 } })
    await createdJob(url, { ...made, suffix: NAMES[2], validation: null, hyperparameters: { n_epochs: 6 } })
    const few = await uploaded(url, 'too-few.jsonl', `${good.slice(0, 4).join('\n')}\n`, key)
    await createdJob(url, { suffix: NAMES[3], training: few, validation: null, key })
  }
  const all = (await call<{ data: Listed[] }>(url, '/fine_tuning/jobs?limit=100', {}, key)).data
  const id = (name: string | undefined) => all.find((job) => job.user_provided_suffix === name)?.id ?? ''
  const jobs = await Promise.all(NAMES.map((name) => endedJob(url, id(name), key)))
  const files = await call<{ data: { id: string; filename: string }[] }>(
    url,
    '/files?purpose=fine-tune&limit=1000',
    {},
    key,
  )
  return {
    job: id(NAMES[0]),
    others: [id(NAMES[1]), id(NAMES[2])].join(),
    failed: id(NAMES[3]),
    tuned: jobs[0]?.fine_tuned_model ?? '',
    file: all.find((job) => job.id === id(NAMES[0]))?.training_file ?? '',
    faulty: files.data.find((file) => file.filename === 'with-faults.jsonl')?.id ?? '',
  }
}

/** The key of a new project, in which there is nothing. */
export async function strangersKey(url: string): Promise<string> {
  const send = (path: string, body: object) =>
    call<{ id: string; api_key?: { value: string } }>(url, path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const project = await send('/organization/projects', { name: `empty ${Date.now()}` })
  const account = await send(`/organization/projects/${project.id}/service_accounts`, { name: 'somebody' })
  return account.api_key?.value ?? ''
}
