/** State that lives in the URL: what a name may hold, and how it is read and written. Knows no React. */

export type Codec<T> = { read(text: string | null): T; write(value: T): string | null }

/** One of a few words; the first is what an absent or foreign value means, and is not written. */
export function oneOf<const T extends string>(...words: readonly [T, ...T[]]): Codec<T> {
  return {
    read: (text) => words.find((word) => word === text) ?? words[0],
    write: (value) => (value === words[0] ? null : value),
  }
}

/** Any short text. */
export const text: Codec<string> = {
  read: (value) => (value ?? '').slice(0, 200),
  write: (value) => value || null,
}

/** A number between two bounds, with a default that is not written. */
export function number(least: number, most: number, otherwise: number): Codec<number> {
  return {
    read: (value) => {
      const parsed = value === null || value.trim() === '' ? Number.NaN : Number(value)
      return Number.isFinite(parsed) ? Math.min(most, Math.max(least, parsed)) : otherwise
    },
    write: (value) => (value === otherwise ? null : `${Number(value.toPrecision(6))}`),
  }
}

/** `120-900`; `120-` follows the end as it grows. */
export type Range = { from: number; to: number | null }
export const range: Codec<Range | null> = {
  read: (value) => {
    const match = /^(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)?$/.exec(value ?? '')
    if (!match) return null
    const from = Number(match[1])
    const to = match[2] === undefined ? null : Number(match[2])
    return to !== null && to <= from ? null : { from, to }
  },
  write: (value) => (value ? `${round(value.from)}-${value.to === null ? '' : round(value.to)}` : null),
}

const round = (value: number) => `${Math.round(value * 1000) / 1000}`

/** A few ids, each once. */
export function list(most: number): Codec<string[]> {
  return {
    read: (value) => [...new Set((value ?? '').split(',').filter(Boolean))].slice(0, most),
    write: (value) => (value.length ? value.join(',') : null),
  }
}
