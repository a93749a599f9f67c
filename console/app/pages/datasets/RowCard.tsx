/** One row: what is wrong with it, and its tokens; both replies of a preference pair side by side. */
import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { type FileProblem, type FileRow, type RenderedReply, rowsQuery } from '@/api/report'
import { useT } from '@/i18n'
import { piecesOf, spotOf } from '@/lib/excerpt'
import { count } from '@/lib/number'
import { harmless } from '@/lib/visible'
import { ProblemWords } from '@/parts/ProblemWords'
import { TokenText } from '@/parts/TokenText'
import { Icon } from '@/ui/Icon'
import styles from './Dataset.module.css'
import { Pieces } from './Excerpt'

type Props = { file: string; model: string; row: FileRow; contextLength: number; wanted: boolean }

export function RowCard({ file, model, row, contextLength, wanted }: Props) {
  const t = useT()
  const card = useRef<HTMLElement>(null)
  const [focused, setFocused] = useState(false)
  const replies = useBoundaries(file, model, row, focused)
  useEffect(() => {
    if (wanted) card.current?.focus()
  }, [wanted])
  const name = t.datasets.line({ line: count(row.line) })
  return (
    <article
      ref={card}
      className={styles.card}
      data-row
      data-wanted={wanted || undefined}
      tabIndex={-1}
      aria-label={name}
      onFocus={() => setFocused(true)}
      onBlur={() => setFocused(false)}
    >
      <div className={styles.cardHead}>
        <h2>{name}</h2>
        {row.n_tokens > 0 && (
          <span className="quiet">
            {t.datasets.trainedOf({ trained: count(row.n_trained), all: count(row.n_tokens) })}
          </span>
        )}
      </div>
      {[...row.problems, ...row.warnings].map((problem, index) => (
        <div
          key={index}
          className={styles.inRow}
          data-kind={index < row.problems.length ? 'problem' : 'warning'}
        >
          <Icon name="warn" size={14} />
          <p>
            <ProblemWords {...problem} />
            <span className={styles.remedy}> {harmless(t.datasets.remedy(problem))}</span>
          </p>
        </div>
      ))}
      {row.text !== null && (
        <figure className={styles.raw}>
          <figcaption className="quiet">{t.datasets.asFile}</figcaption>
          <pre>
            <Pieces pieces={markedOf(row.text, row.problems)} />
          </pre>
        </figure>
      )}
      {replies.length > 0 && (
        <div className={styles.replies} data-replies={replies.length}>
          {replies.map((reply, index) => (
            <Reply key={index} reply={reply} contextLength={contextLength} />
          ))}
        </div>
      )}
    </article>
  )
}

const markedOf = (text: string, problems: readonly FileProblem[]) =>
  piecesOf(
    text,
    problems.map((problem) => spotOf(text, problem)),
  )

/** The row in focus shows where its tokens end; they are asked for then. */
function useBoundaries(file: string, model: string, row: FileRow, focused: boolean): RenderedReply[] {
  const asked = { model: model || undefined, afterLine: row.line - 1, limit: 1, boundaries: true }
  const { data } = useQuery({ ...rowsQuery(file, asked), enabled: focused && row.replies.length > 0 })
  const [found] = data?.data ?? []
  return focused && found?.line === row.line ? found.replies : row.replies
}

function Reply({ reply, contextLength }: { reply: RenderedReply; contextLength: number }) {
  const t = useT()
  return (
    <div>
      {reply.kind && <h3>{reply.kind === 'preferred' ? t.datasets.preferred : t.datasets.rejected}</h3>}
      <TokenText runs={reply.runs} />
      {reply.n_cut > 0 && (
        <p className={styles.cutNote}>
          {t.datasets.cutTokens({ count: count(reply.n_cut), context: count(contextLength) })}
        </p>
      )}
    </div>
  )
}
