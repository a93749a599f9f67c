/** What is wrong with a file, grouped by kind, as a list to copy and as a table. Knows no React. */
import { toCsv, withoutFormulas } from './csv'
import { count } from './number'

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

type Words = {
  problemLine(p: { line: string; message: string; hint: string }): string
  remedy(p: Problem): string
}

/** One sentence a problem, in the reader's language as far as it is known there. */
export const asText = (problems: readonly Problem[], words: Words): string =>
  problems
    .map((one) => words.problemLine({ line: count(one.line), message: one.message, hint: words.remedy(one) }))
    .join('\n')

/** `guarded`: for a spreadsheet, since the rows' own words may stand in it. */
export function asCsv(problems: readonly Problem[], guarded = false): string {
  const cells = problems.map(({ line, path, code, message, hint }) => [line, path, code, message, hint])
  return toCsv(['line', 'path', 'code', 'message', 'hint'], guarded ? withoutFormulas(cells) : cells)
}
