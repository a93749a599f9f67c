/** The sample that ships with the console, and the calls that a first run makes of it. */
import { queryOptions } from '@tanstack/react-query'
import { paths } from '@/paths'
import type { FileObject, Job } from './client'
import { ApiError } from './errors'
import { createJob } from './jobs'
import { upload } from './upload'

const SET = 'marv'
export const SUFFIX = 'marv'

export type Sample = {
  train: Blob
  valid: Blob
  rows: number
  heldOut: number
  question: string
  reply: string
}

async function part(name: 'train' | 'valid'): Promise<string> {
  const response = await fetch(paths.sample(SET, name))
  if (!response.ok) throw new ApiError(`HTTP ${response.status}`, response.status)
  return response.text()
}

const rowsOf = (text: string) => text.split('\n').filter((line) => line.trim())

export const sampleQuery = () =>
  queryOptions({
    queryKey: ['sample'],
    queryFn: async (): Promise<Sample> => {
      const [train, valid] = await Promise.all([part('train'), part('valid')])
      const first = JSON.parse(rowsOf(train)[0] ?? '{}') as { messages?: { role: string; content: string }[] }
      const content = (role: string) =>
        first.messages?.find((message) => message.role === role)?.content ?? ''
      return {
        train: new Blob([train]),
        valid: new Blob([valid]),
        rows: rowsOf(train).length,
        heldOut: rowsOf(valid).length,
        question: content('user'),
        reply: content('assistant'),
      }
    },
    staleTime: Number.POSITIVE_INFINITY,
  })

/** The three calls of the first run; `tell` hears which is under way. */
export async function fineTuneSample(
  sample: Sample,
  model: string,
  key: string,
  tell: (doing: 'uploading' | 'creating') => void,
): Promise<Job> {
  tell('uploading')
  const send = (blob: Blob, name: string): Promise<FileObject> =>
    upload(new File([blob], `${SET}-${name}.jsonl`), {})
  const train = await send(sample.train, 'train')
  const valid = await send(sample.valid, 'valid')
  tell('creating')
  return createJob({ model, training_file: train.id, validation_file: valid.id, suffix: SUFFIX }, key)
}
