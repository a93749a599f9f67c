/** The answers to one turn beside each other: where they part, once all of them are there. */
import { useMemo } from 'react'
import { type Messages, useT } from '@/i18n'
import { differences, partsAfter, type Stretch } from '@/lib/diff'
import { count } from '@/lib/number'
import { contentOf, isBusy, type Turn } from './conversation'

type Found = { texts: (Stretch[] | null)[]; note: string }

/** Null where there is nothing to compare (yet). */
export function useDifferences(
  turn: Turn & { role: 'assistant' },
  columns: number,
  wanted: boolean,
): Found | null {
  const t = useT()
  return useMemo(() => {
    const answers = turn.answers.slice(0, columns)
    if (!wanted || answers.some(isBusy)) return null
    const asked = answers.flatMap((answer, column) => (answer && contentOf(answer) ? [column] : []))
    if (asked.length < 2) return null
    const texts = asked.map((column) => answers[column]?.text ?? '')
    const found = differences(texts)
    const at = asked.length
    return {
      texts: answers.map((_, column) =>
        asked.includes(column) ? (found[asked.indexOf(column)] ?? null) : null,
      ),
      note: noteOf(partsAfter(texts), at, t),
    }
  }, [turn, columns, wanted, t])
}

function noteOf(after: number | null, texts: number, t: Messages): string {
  const words = t.asking.differences
  if (after === null) return words.same
  const where = after ? words.after({ count: count(after), first: after }) : words.atOnce
  return texts > 2 ? `${where} ${words.measure}` : where
}
