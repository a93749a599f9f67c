/** The same prompt several times, each with a seed of its own: how much the answers of a model vary. */
import { useSyncExternalStore } from 'react'
import { type ChatRequest, wholeAnswer } from '@/api/chat'
import { begin, drop, end, nameOf } from './running'

export const TIMES = 5
/** Seeds that a person can read out and type again. */
const SEEDS = 1_000_000
export const newSeed = (): number => Math.floor(Math.random() * SEEDS)

export type Run = { seed: number; text: string | null; error: unknown }
export type Spread = {
  /** What was asked, to tell whether it would be the same today. */
  prompt: string
  runs: Run[]
  busy: boolean
  stopped: boolean
}

const spreads = new Map<string, Spread>()
const listeners = new Set<() => void>()

function set(name: string, changed: Spread | null): void {
  if (changed) spreads.set(name, changed)
  else spreads.delete(name)
  for (const tell of listeners) tell()
}
const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export const spreadAt = (id: number, column: number): Spread | undefined => spreads.get(nameOf(id, column))
export const useSpread = (id: number, column: number): Spread | undefined =>
  useSyncExternalStore(subscribe, () => spreadAt(id, column))
export const useSpreading = (): boolean =>
  useSyncExternalStore(subscribe, () => [...spreads.values()].some(({ busy }) => busy))

/** Everything that the answer depends on, but its seed. */
export const promptOf = ({ seed, logprobs, top_logprobs, ...asked }: ChatRequest): string =>
  JSON.stringify(asked)

export async function ask(id: number, column: number, request: ChatRequest): Promise<void> {
  const name = nameOf(id, column)
  close(id, column)
  const first = request.seed ?? newSeed()
  const runs = Array.from({ length: TIMES }, (_, at): Run => ({ seed: first + at, text: null, error: null }))
  let made: Spread = { prompt: promptOf(request), runs, busy: true, stopped: false }
  set(name, made)
  const show = (changed: Partial<Spread>) => {
    const before = made
    made = { ...made, ...changed }
    if (spreads.get(name) === before) set(name, made)
  }
  const { logprobs, top_logprobs, ...plain } = request
  await Promise.all(
    runs.map(async ({ seed }, at) => {
      const controller = begin(nameOf(id, column, `/${at}`))
      const put = (found: Partial<Run>) =>
        show({ runs: made.runs.map((one, index) => (index === at ? { ...one, ...found } : one)) })
      try {
        put({ text: await wholeAnswer({ ...plain, seed }, controller.signal) })
      } catch (error) {
        if (controller.signal.aborted) show({ stopped: true })
        else put({ error })
      } finally {
        end(nameOf(id, column, `/${at}`), controller)
      }
    }),
  )
  show({ busy: false })
}

export function stop(id: number, column: number): void {
  for (let at = 0; at < TIMES; at++) drop(nameOf(id, column, `/${at}`))
}

export function close(id: number, column: number): void {
  stop(id, column)
  set(nameOf(id, column), null)
}

/** All of them; or those of a column that goes, and of the columns that move up into other places. */
export function closeFrom(first = 0): void {
  for (const name of [...spreads.keys()]) {
    const [id, column] = name.split('/').map(Number) as [number, number]
    if (column >= first) close(id, column)
  }
}

export type Group = { text: string; seeds: number[] }

/** The distinct answers, the most frequent first. */
export function groups(runs: readonly Run[]): Group[] {
  const found = new Map<string, number[]>()
  for (const { text, seed } of runs) {
    if (text !== null) found.set(text, [...(found.get(text) ?? []), seed])
  }
  return [...found].map(([text, seeds]) => ({ text, seeds })).sort((a, b) => b.seeds.length - a.seeds.length)
}
