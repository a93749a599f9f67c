/** What stories find on the server: files, jobs and models, made through the API as any client would. */
import { readFileSync } from 'node:fs'
import { KEY, sample, TRAINS_MS } from './people'

export type Job = {
  id: string
  status: string
  fine_tuned_model: string | null
  result_files: string[]
  trained_tokens: number | null
}
type Named = { id: string }
type Asked = {
  suffix?: string
  model?: string
  /** Files by id; the sample's where none is named. */
  training?: string
  validation?: string | null
  method?: 'supervised' | 'dpo'
  hyperparameters?: Record<string, number | 'auto'>
  key?: string
}

export async function call<T>(
  baseURL: string,
  path: string,
  init: RequestInit = {},
  key: string = KEY,
): Promise<T> {
  const headers = { authorization: `Bearer ${key}`, ...init.headers }
  const response = await fetch(`${baseURL}/v1${path}`, { ...init, headers })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}

export async function uploaded(
  baseURL: string,
  name: string,
  content: string | Buffer,
  key?: string,
): Promise<string> {
  const form = new FormData()
  form.append('purpose', 'fine-tune')
  form.append('file', new Blob([new Uint8Array(Buffer.from(content))]), name)
  return (await call<Named>(baseURL, '/files', { method: 'POST', body: form }, key)).id
}

export const uploadedSample = (baseURL: string, part: 'train' | 'valid', key?: string): Promise<string> =>
  uploaded(baseURL, `${part}.jsonl`, readFileSync(sample(`marv/${part}.jsonl`)), key)

/** The id of a job that has just been created. */
export async function createdJob(baseURL: string, asked: Asked = {}): Promise<string> {
  const { suffix, model = 'gpt-4o-mini', method = 'supervised', hyperparameters = {}, key } = asked
  const training_file = asked.training ?? (await uploadedSample(baseURL, 'train', key))
  const validation_file =
    asked.validation === null
      ? undefined
      : (asked.validation ?? (await uploadedSample(baseURL, 'valid', key)))
  const body = JSON.stringify({
    model,
    training_file,
    validation_file,
    suffix,
    seed: 7,
    method: { type: method, [method]: { hyperparameters } },
  })
  const headers = { 'content-type': 'application/json' }
  return (await call<Named>(baseURL, '/fine_tuning/jobs', { method: 'POST', headers, body }, key)).id
}

const ENDED = ['succeeded', 'failed', 'cancelled']

/** The job once it has ended. */
export async function endedJob(baseURL: string, id: string, key?: string): Promise<Job> {
  const until = Date.now() + TRAINS_MS
  while (Date.now() < until) {
    const job = await call<Job>(baseURL, `/fine_tuning/jobs/${id}`, {}, key)
    if (ENDED.includes(job.status)) return job
    await new Promise((done) => setTimeout(done, 500))
  }
  throw new Error(`${id} took too long`)
}

/** A tuned model to tell stories about: one that is there, or one made from the sample. */
export async function tunedModel(baseURL: string): Promise<string> {
  const { data } = await call<{ data: Named[] }>(baseURL, '/models')
  const known = data.find((model) => model.id.startsWith('ft:'))
  if (known) return known.id
  const job = await endedJob(baseURL, await createdJob(baseURL, { suffix: 'marv' }))
  if (!job.fine_tuned_model) throw new Error(JSON.stringify(job))
  return job.fine_tuned_model
}

/** The rows of a result file as numbers by column, step by step. */
export async function results(baseURL: string, job: Job): Promise<Record<string, number | null>[]> {
  const [file] = job.result_files
  const answer = await fetch(`${baseURL}/v1/files/${file}/content`, {
    headers: { authorization: `Bearer ${KEY}`, accept: 'text/csv' },
  })
  return csvRows(await answer.text())
}

export function csvRows(text: string): Record<string, number | null>[] {
  const [head = '', ...lines] = text.trim().split('\n')
  const names = head.split(',')
  return lines.map((line) => {
    const cells = line.split(',')
    return Object.fromEntries(
      names.map((name, index) => [name, cells[index] ? Number(cells[index]) : null]),
    ) as Record<string, number | null>
  })
}
