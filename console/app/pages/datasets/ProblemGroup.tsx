/** Problems of one kind: each with a link to its row, what is wrong, where in the line, and what to do. */
import { useState } from 'react'
import { Link } from 'react-router'
import type { FileProblem } from '@/api/report'
import { useT } from '@/i18n'
import { excerptOf, spotOf } from '@/lib/excerpt'
import { count } from '@/lib/number'
import { nameOfCode } from '@/lib/problems'
import { harmless } from '@/lib/visible'
import { ProblemWords } from '@/parts/ProblemWords'
import { paths } from '@/paths'
import { Button } from '@/ui/Button'
import styles from './Dataset.module.css'
import { Pieces } from './Excerpt'
import { useFaultyLines } from './useFaultyLines'

const SHOWN = 8

type LineProps = { file: string; line: number; model: string; isProblem?: boolean }

export function LineLink({ file, line, model, isProblem }: LineProps) {
  const t = useT()
  return (
    <Link
      to={paths.dataset(file, { tab: 'rows', line, model: model || undefined })}
      className={styles.line}
      data-problem={isProblem || undefined}
    >
      {t.datasets.line({ line: count(line) })}
    </Link>
  )
}

export function ProblemGroup({
  code,
  problems,
  file,
  model,
  stopsJob,
}: {
  code: string
  problems: FileProblem[]
  file: string
  model: string
  /** The server gives the text of such lines only. */
  stopsJob: boolean
}) {
  const t = useT()
  const [all, setAll] = useState(false)
  const shown = all ? problems : problems.slice(0, SHOWN)
  const texts = useFaultyLines(file, model, stopsJob ? shown.map(({ line }) => line) : [])
  return (
    <section className={styles.group}>
      <h3>
        {t.datasets.codes[code] ?? nameOfCode(code)}{' '}
        <span className={styles.count}>{count(problems.length)}</span> <code className="quiet">{code}</code>
      </h3>
      <ul>
        {shown.map((problem, index) => (
          <li key={index} className={styles.problem}>
            <LineLink file={file} line={problem.line} model={model} isProblem />
            <div>
              <p>
                <ProblemWords {...problem} />
              </p>
              <Excerpt text={texts.get(problem.line)} problem={problem} />
              <p className={styles.remedy}>{harmless(t.datasets.remedy(problem))}</p>
            </div>
          </li>
        ))}
      </ul>
      {!all && problems.length > SHOWN && (
        <Button small data-more onClick={() => setAll(true)}>
          {t.datasets.moreOfKind({ count: count(problems.length - SHOWN) })}
        </Button>
      )}
    </section>
  )
}

function Excerpt({ text, problem }: { text: string | undefined; problem: FileProblem }) {
  if (!text) return null
  return (
    <p className={styles.excerpt}>
      <code>
        <Pieces pieces={excerptOf(text, spotOf(text, problem))} />
      </code>
    </p>
  )
}
