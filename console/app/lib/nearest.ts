/** Names that somebody may have meant: the nearest of those that there are. Knows no React. */

/** How many signs have to be added, taken away or changed. */
export function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (const [line, sign] of [...a].entries()) {
    const next = [line + 1]
    for (let at = 0; at < b.length; at++) {
      const changed = (row[at] ?? 0) + (sign === b[at] ? 0 : 1)
      next.push(Math.min(changed, (row[at + 1] ?? 0) + 1, (next[at] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}

/** Further away than this share of its length, a name is another name. */
const MOST_APART = 0.4
const MOST = 3

/** The nearest first; a name that holds the other one, or most of it, is near. */
export function nearest(wanted: string, names: readonly string[]): string[] {
  const asked = wanted.trim().toLowerCase()
  if (!asked) return []
  return names
    .map((name) => {
      const own = name.toLowerCase()
      const isPart = asked.length > 2 && own.includes(asked)
      const holds = isPart || (asked.includes(own) && own.length * 2 > asked.length)
      return {
        name,
        apart: holds ? 0.5 : distance(asked, own) / Math.max(asked.length, own.length) / MOST_APART,
      }
    })
    .filter(({ apart }) => apart < 1)
    .sort((a, b) => a.apart - b.apart)
    .slice(0, MOST)
    .map(({ name }) => name)
}

/** The names that a sentence of the server holds: it writes them in backticks. */
export const quoted = (sentence: string): string[] =>
  [...sentence.matchAll(/`([^`]+)`/g)].map(([, name]) => name as string)
