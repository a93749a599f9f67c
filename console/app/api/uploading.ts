/**
 * The uploads of this tab. They go on when the page changes; leaving the console asks first.
 *
 * Up to 512 MB go in one request; what is larger goes in parts, a few at a time, each tried again when it fails.
 */
import { LOOK_BYTES, type Look, look } from '@/lib/jsonl'
import type { FileObject } from './client'
import { isApiError } from './client'
import { onChange } from './key'
import { upload } from './upload'
import { uploadInParts } from './uploadParts'

const MOST_AT_ONCE_BYTES = 512 * 1024 * 1024

export type Uploading = {
  id: number
  name: string
  totalBytes: number
  sentBytes: number
  startedMs: number
  state: 'checking' | 'sending' | 'done' | 'refused' | 'failed' | 'cancelled'
  /** What the first look found. */
  look: Look | null
  problem: unknown
  file: FileObject | null
  source: File
  stop: AbortController
}

let uploads: Uploading[] = []
let next = 1
const listeners = new Set<() => void>()

function set(changed: Uploading[]): void {
  uploads = changed
  for (const tell of listeners) tell()
}
const patch = (id: number, changed: Partial<Uploading>) =>
  set(uploads.map((one) => (one.id === id ? { ...one, ...changed } : one)))

export const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
export const current = (): Uploading[] => uploads
export const isMoving = ({ state }: Uploading): boolean => state === 'checking' || state === 'sending'

// another key is another person
onChange(() => {
  for (const { stop } of uploads) stop.abort()
  set([])
})

addEventListener('beforeunload', (event) => {
  if (uploads.some(isMoving)) event.preventDefault()
})

/** Told of each file that has arrived. */
export async function begin(source: File, onDone: (file: FileObject) => void): Promise<void> {
  const id = next++
  const stop = new AbortController()
  const started: Uploading = {
    id,
    name: source.name,
    totalBytes: source.size,
    sentBytes: 0,
    startedMs: performance.now(),
    state: 'checking',
    look: null,
    problem: null,
    file: null,
    source,
    stop,
  }
  set([started, ...uploads])
  const found = look(await source.slice(0, LOOK_BYTES).text(), source.size <= LOOK_BYTES)
  if (found.problem) return patch(id, { state: 'refused', look: found })
  patch(id, { state: 'sending', look: found, startedMs: performance.now() })
  const onProgress = ({ sentBytes }: { sentBytes: number }) =>
    patch(id, { sentBytes: Math.min(sentBytes, source.size) }) // the form around it is not the file
  try {
    const send = source.size > MOST_AT_ONCE_BYTES ? uploadInParts : upload
    const file = await send(source, { onProgress, signal: stop.signal })
    patch(id, { state: 'done', file, sentBytes: source.size })
    onDone(file)
  } catch (problem) {
    patch(id, stop.signal.aborted ? { state: 'cancelled' } : { state: 'failed', problem })
  }
}

export const cancel = (id: number): void => uploads.find((one) => one.id === id)?.stop.abort()
/** A file that is gone is no news any more. */
export const forget = (fileId: string): void => set(uploads.filter((one) => one.file?.id !== fileId))
export const dismiss = (id: number): void => set(uploads.filter((one) => one.id !== id))

/** Whether trying again could help: the connection broke, or the server was busy. */
export const mayRetry = ({ problem }: Uploading): boolean =>
  isApiError(problem) && (problem.isOffline || problem.status === 429 || problem.status >= 500)
