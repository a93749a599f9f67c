/** A tuned model to tell stories about: one that is there, or one made from the sample as any client would. */
import { readFileSync } from 'node:fs'
import { KEY, sample } from './people'

const MOST_S = 140
type Named = { id: string }

export async function call<T>(baseURL: string, path: string, init: RequestInit = {}): Promise<T> {
  const headers = { authorization: `Bearer ${KEY}`, ...init.headers }
  const response = await fetch(`${baseURL}/v1${path}`, { ...init, headers })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}

export async function uploaded(baseURL: string, name: string, content: string | Buffer): Promise<string> {
  const form = new FormData()
  form.append('purpose', 'fine-tune')
  form.append('file', new Blob([new Uint8Array(Buffer.from(content))]), name)
  return (await call<Named>(baseURL, '/files', { method: 'POST', body: form })).id
}

export async function tunedModel(baseURL: string): Promise<string> {
  const { data } = await call<{ data: Named[] }>(baseURL, '/models')
  const known = data.find((model) => model.id.startsWith('ft:'))
  if (known) return known.id
  const [training_file, validation_file] = await Promise.all(
    ['train', 'valid'].map((part) =>
      uploaded(baseURL, `${part}.jsonl`, readFileSync(sample(`marv/${part}.jsonl`))),
    ),
  )
  const body = { model: 'gpt-4o-mini', training_file, validation_file, suffix: 'marv', seed: 7 }
  const headers = { 'content-type': 'application/json' }
  const { id } = await call<Named>(baseURL, '/fine_tuning/jobs', {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  })
  for (let waited = 0; waited < MOST_S; waited++) {
    const job = await call<{ status: string; fine_tuned_model: string | null }>(
      baseURL,
      `/fine_tuning/jobs/${id}`,
    )
    if (job.fine_tuned_model) return job.fine_tuned_model
    if (job.status === 'failed') throw new Error(JSON.stringify(job))
    await new Promise((done) => setTimeout(done, 1_000))
  }
  throw new Error(`${id} took too long`)
}
