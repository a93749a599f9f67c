/** Before the first word: questions from the rows that the chosen model's job held out, each one click away. */
import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { familyJobsQuery, jobOf } from '@/api/family'
import { headQuery } from '@/api/rows'
import { useT } from '@/i18n'
import { linesOf, type TrainingRow } from '@/lib/trainingRow'
import { harmless } from '@/lib/visible'
import styles from './Playground.module.css'

const HEAD_BYTES = 32 * 1024
const SHOWN = 3

export type Example = { system: string; question: string }

/** What the job of the first tuned model among these has learnt from, as questions; and the system prompt that it learnt with. */
export function useExamples(models: readonly string[]): {
  examples: Example[]
  heldOut: boolean
  trained: { text: string; column: number } | null
} {
  const { data: jobs } = useQuery(familyJobsQuery())
  const made = models.map((model) => jobOf(jobs?.data ?? [], model))
  const column = made.findIndex((job) => job !== undefined)
  const job = made[column]
  const fileId = job?.validation_file ?? job?.training_file
  const { data: head } = useQuery({ ...headQuery(fileId ?? '', HEAD_BYTES), enabled: Boolean(fileId) })
  const examples = useMemo(
    () =>
      head && fileId
        ? linesOf(head.text, head.whole, 40).flatMap(({ row }) => (row && exampleOf(row)) ?? [])
        : [],
    [head, fileId],
  )
  const text = examples[0]?.system
  const trained = useMemo(() => (text ? { text, column } : null), [text, column])
  return { examples: examples.slice(0, SHOWN), heldOut: Boolean(job?.validation_file), trained }
}

function exampleOf({ turns }: TrainingRow): Example | null {
  const question = turns.find((turn) => turn.role === 'user')?.text
  const system = turns.find((turn) => turn.role === 'system' || turn.role === 'developer')?.text ?? ''
  return question ? { question, system } : null
}

type Props = { examples: Example[]; heldOut: boolean; onTake: (example: Example) => void }

export function Starters({ examples, heldOut, onTake }: Props) {
  const t = useT()
  if (!examples.length) return <p className={styles.begin}>{t.playground.startersNone}</p>
  return (
    <section className={styles.starters}>
      <h2>{heldOut ? t.playground.starters : t.playground.startersTraining}</h2>
      <ul>
        {examples.map((example, index) => (
          <li key={index}>
            <button type="button" className={styles.starter} onClick={() => onTake(example)}>
              {harmless(example.question)}
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}
