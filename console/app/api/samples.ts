/** The sample that ships with the console, and the calls that a first run makes of it. */
import { queryOptions } from '@tanstack/react-query'
import { paths } from '@/paths'
import type { Job } from './client'
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

/** The ids of what an earlier try has uploaded: a job that was made without an answer is not made of other files. */
export type Sent = { train?: string; valid?: string }

/** The first calls of the first run; `tell` hears which is under way. */
export async function fineTuneSample(
  sample: Sample,
  model: string,
  sent: Sent,
  nameOf: (request: object) => string,
  tell: (doing: 'uploading' | 'creating') => void,
): Promise<Job> {
  tell('uploading')
  const send = async (part: 'train' | 'valid') =>
    (await upload(new File([sample[part]], `${SET}-${part}.jsonl`))).id
  sent.train ??= await send('train')
  sent.valid ??= await send('valid')
  tell('creating')
  const request = { model, training_file: sent.train, validation_file: sent.valid, suffix: SUFFIX }
  return createJob(request, nameOf(request))
}
