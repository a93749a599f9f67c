/** How a file begins, read from the file itself: conversations where they are, and plain text elsewhere. */
import { useQuery } from '@tanstack/react-query'
import type { FileObject } from '@/api/client'
import { HEAD_BYTES, headQuery } from '@/api/rows'
import { useT } from '@/i18n'
import { count } from '@/lib/number'
import { type Line, linesOf } from '@/lib/trainingRow'
import { harmless, visible } from '@/lib/visible'
import { Problem } from '@/parts/Problem'
import { Icon } from '@/ui/Icon'
import { Skeleton } from '@/ui/Skeleton'
import styles from './Dataset.module.css'

const ROWS = 50
const TEXT_CHARS = 20_000

export function Beginning({ file, note }: { file: FileObject; note: string }) {
  const t = useT()
  const { data, error, refetch, isPending } = useQuery(headQuery(file.id, HEAD_BYTES))
  const training = file.purpose === 'fine-tune'
  const lines = data && training ? linesOf(data.text, data.whole, ROWS) : []
  return (
    <div className={styles.rows}>
      <p className={styles.note}>
        <Icon name="info" /> {note}
      </p>
      {error && <Problem error={error} onRetry={refetch} />}
      {isPending && <Skeleton height="8rem" lines={3} />}
      {data && !training && <pre className={styles.plain}>{harmless(data.text.slice(0, TEXT_CHARS))}</pre>}
      {lines.length > 0 && (
        <>
          <p className="quiet">{t.datasets.firstRows({ count: count(lines.length) })}</p>
          <div className={styles.rowsList}>
            {lines.map((line) => (
              <PlainRow key={line.line} line={line} />
            ))}
          </div>
        </>
      )}
    </div>
  )
}

function PlainRow({ line: { line, row, raw } }: { line: Line }) {
  const t = useT()
  const name = t.datasets.line({ line: count(line) })
  return (
    <article className={styles.card} data-row tabIndex={-1} aria-label={name}>
      <div className={styles.cardHead}>
        <h2>{name}</h2>
        {row?.converted && <span className="quiet">{t.datasets.converted}</span>}
      </div>
      {row ? (
        <>
          {row.turns.map((turn, index) => (
            <p key={index} className={styles.turn} data-trained={turn.trained || undefined}>
              <span className={styles.role}>{turn.role}</span>
              <span>{harmless(turn.text)}</span>
              {turn.role === 'assistant' && !turn.trained && (
                <span className="quiet"> ({t.datasets.weightZero})</span>
              )}
            </p>
          ))}
          {row.preferred !== null && <Choice label={t.datasets.preferred} text={row.preferred} trained />}
          {row.rejected !== null && <Choice label={t.datasets.rejected} text={row.rejected} />}
        </>
      ) : (
        <>
          <div className={styles.inRow} data-kind="problem">
            <Icon name="warn" size={14} />
            <p>{t.datasets.notARow}</p>
          </div>
          <figure className={styles.raw}>
            <pre>{visible(raw.slice(0, 4000))}</pre>
          </figure>
        </>
      )}
    </article>
  )
}

function Choice({ label, text, trained }: { label: string; text: string; trained?: boolean }) {
  return (
    <p className={styles.turn} data-trained={trained}>
      <span className={styles.role}>{label}</span>
      <span>{harmless(text)}</span>
    </p>
  )
}
