/** What is wrong with a file, grouped by kind, as a list to copy and as a table. Knows no React. */
import { toCsv } from './csv'

type Problem = { line: number; path: string | null; code: string; message: string; hint: string }
export type Group<P extends Problem> = { code: string; problems: P[] }

/** The kinds in the order in which they first occur. */
export function grouped<P extends Problem>(problems: readonly P[]): Group<P>[] {
  const groups = new Map<string, P[]>()
  for (const problem of problems) {
    const known = groups.get(problem.code)
    if (known) known.push(problem)
    else groups.set(problem.code, [problem])
  }
  return [...groups].map(([code, members]) => ({ code, problems: members }))
}

/** `wrong_role` -> `Wrong role`: a name for people where there is no better one. */
export const nameOfCode = (code: string): string => {
  const words = code.replaceAll('_', ' ').trim()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

export const asText = (problems: readonly Problem[]): string =>
  problems
    .map(({ line, path, message, hint }) => `Line ${line}${path ? `: ${path}` : ''}: ${message}; ${hint}`)
    .join('\n')

export const asCsv = (problems: readonly Problem[]): string =>
  toCsv(
    ['line', 'path', 'code', 'message', 'hint'],
    problems.map(({ line, path, code, message, hint }) => [line, path, code, message, hint]),
  )
