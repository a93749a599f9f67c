/** One row: what is wrong with it, and its tokens; both replies of a preference pair side by side. */
import { useEffect, useRef } from 'react'
import type { FileRow, RenderedReply } from '@/api/report'
import { useT } from '@/i18n'
import { count } from '@/lib/number'
import { harmless, visible } from '@/lib/visible'
import { ProblemWords } from '@/parts/ProblemWords'
import { TokenText } from '@/parts/TokenText'
import { Icon } from '@/ui/Icon'
import styles from './Dataset.module.css'

export function RowCard({
  row,
  contextLength,
  wanted,
}: {
  row: FileRow
  contextLength: number
  wanted: boolean
}) {
  const t = useT()
  const card = useRef<HTMLElement>(null)
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
          <pre>{visible(row.text)}</pre>
        </figure>
      )}
      {row.replies.length > 0 && (
        <div className={styles.replies} data-replies={row.replies.length}>
          {row.replies.map((reply, index) => (
            <Reply key={index} reply={reply} contextLength={contextLength} />
          ))}
        </div>
      )}
    </article>
  )
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
