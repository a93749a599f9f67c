/** What a failed job says besides its sentence: which line of the data, and at which step the numbers ran away. */

/** The first line that the server's message names. */
export function lineOf(message: string): number | null {
  const found = /(?:^|\s)line (\d[\d,]*)\b/i.exec(message)?.[1]
  return found ? Number(found.replaceAll(',', '')) : null
}

type Told = { data: Record<string, unknown> }

/** The step that gave no finite number, and its learning rate; null when none did. */
export function diverged(events: readonly Told[]): { step: number; rate: number | null } | null {
  const data = events.find((event) => event.data.code === 'not_finite')?.data
  if (typeof data?.step !== 'number') return null
  return { step: data.step, rate: typeof data.learning_rate === 'number' ? data.learning_rate : null }
}
