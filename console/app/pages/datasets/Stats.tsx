/** The tokens of a file: how many there are, how long the rows are, and what does not fit. */
import type { FileObject } from '@/api/client'
import type { ReportBody, TokenFacts } from '@/api/report'
import { useT } from '@/i18n'
import { count, percent } from '@/lib/number'
import styles from './Dataset.module.css'
import { LineLink } from './ProblemGroup'

type Props = { file: FileObject; report: ReportBody; model: string }

export function Stats({ file, report, model }: Props) {
  const t = useT()
  const tokens = report.tokens
  if (!tokens)
    return <p className="quiet">{report.n_problems ? t.datasets.stats.none : t.datasets.stats.waiting}</p>
  const words = t.datasets.stats
  const facts: [string, string][] = [
    [words.rows, count(tokens.n_rows)],
    [words.total, count(tokens.total)],
    [
      words.trained,
      `${count(tokens.trained)} (${percent(tokens.total ? tokens.trained / tokens.total : 0)})`,
    ],
    [words.median, count(tokens.median)],
    [words.p95, count(tokens.p95)],
    [words.longest, count(tokens.longest)],
    [words.context, count(tokens.context_length)],
  ]
  return (
    <div className={styles.report}>
      <dl className={styles.numbers}>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <Lines
        text={words.cut({ count: count(tokens.n_cut) })}
        n={tokens.n_cut}
        lines={tokens.cut_lines}
        file={file.id}
        model={model}
      />
      <Lines
        text={words.untrained({ count: count(tokens.n_without_trained_token) })}
        n={tokens.n_without_trained_token}
        lines={tokens.lines_without_trained_token}
        file={file.id}
        model={model}
      />
      <Histogram tokens={tokens} />
    </div>
  )
}

function Lines({
  text,
  n,
  lines,
  file,
  model,
}: {
  text: string
  n: number
  lines: number[]
  file: string
  model: string
}) {
  if (!n) return null
  return (
    <div className={styles.verdict} data-kind="warn">
      <div>
        <p>{text}</p>
        <p className={styles.lines}>
          {lines.slice(0, 40).map((line) => (
            <LineLink key={line} file={file} line={line} model={model} />
          ))}
        </p>
      </div>
    </div>
  )
}

/** Bars as a table: what is drawn can be read, too. */
function Histogram({ tokens }: { tokens: TokenFacts }) {
  const t = useT()
  const most = Math.max(1, ...tokens.histogram.map((bin) => bin.n_rows))
  const words = t.datasets.stats
  const first = tokens.histogram.findIndex((bin) => bin.n_rows > 0)
  const last = tokens.histogram.findLastIndex((bin) => bin.n_rows > 0)
  return (
    <figure className={styles.histogram}>
      <figcaption>
        <h2>{words.histogram}</h2>
        <p className="quiet">
          {words.histogramCaption({
            median: count(tokens.median),
            longest: count(tokens.longest),
            context: count(tokens.context_length),
          })}
        </p>
      </figcaption>
      <table>
        <thead>
          <tr>
            <th scope="col">{words.bin}</th>
            <th scope="col" className="number">
              {words.binRows}
            </th>
            <th scope="col">
              <span className="hidden-text">{words.share}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {tokens.histogram.slice(first, last + 1).map((bin) => (
            <tr key={bin.low} data-cut={bin.low >= tokens.context_length || undefined}>
              <th scope="row">{`${count(bin.low)} – ${count(Math.max(bin.low, bin.high - 1))}`}</th>
              <td className="number">{count(bin.n_rows)}</td>
              <td>
                <svg
                  className={styles.bar}
                  viewBox="0 0 100 10"
                  preserveAspectRatio="none"
                  aria-hidden="true"
                >
                  <rect width={(bin.n_rows / most) * 100} height="10" />
                </svg>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  )
}
