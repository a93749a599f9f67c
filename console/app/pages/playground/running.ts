/** What is being answered at this moment, and how it is stopped. */

const running = new Map<string, AbortController>()
/** Answers beside which another one ran, however shortly: their speed is no measurement. */
const accompanied = new Set<string>()

/** A column's answer to a turn; `more` names what is asked beside it. */
export const nameOf = (id: number, column: number, more = ''): string => `${id}/${column}${more}`

export function begin(name: string): AbortController {
  const controller = new AbortController()
  running.set(name, controller)
  accompanied.delete(name)
  if (running.size > 1) for (const other of running.keys()) accompanied.add(other)
  return controller
}

export const isCurrent = (name: string, controller: AbortController): boolean =>
  running.get(name) === controller
export const isRunning = (name: string): boolean => running.has(name)
export const wasAlone = (name: string): boolean => !accompanied.has(name)

export function end(name: string, controller: AbortController): void {
  if (isCurrent(name, controller)) running.delete(name)
}

/** It ends, and has no say any more. */
export function drop(name: string): void {
  running.get(name)?.abort()
  running.delete(name)
}

export function abortAll(): void {
  for (const controller of running.values()) controller.abort()
}

/** All of them end, and none has a say any more. */
export function dropAll(): void {
  abortAll()
  running.clear()
}

/** All that is asked for a turn. */
export function abortTurn(id: number): void {
  for (const [name, controller] of running) if (name.startsWith(`${id}/`)) controller.abort()
}
