/** The tokens of a file: how many there are, how long the rows are, and what does not fit. */
import type { FileObject } from '@/api/client'
import type { ReportBody } from '@/api/report'
import { useT } from '@/i18n'
import { count, percent } from '@/lib/number'
import styles from './Dataset.module.css'
import { FileForecast } from './FileForecast'
import { Histogram } from './Histogram'
import { LineLink } from './ProblemGroup'

/** `base`: the one that the tokens are counted for, whether it was chosen or not. */
type Props = { file: FileObject; report: ReportBody; model: string; base: string }

export function Stats({ file, report, model, base }: Props) {
  const t = useT()
  const { tokens, turns } = report
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
      <FileForecast file={file} report={report} base={base} />
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
      <Histogram
        title={words.histogram}
        caption={words.histogramCaption({
          median: count(tokens.median),
          longest: count(tokens.longest),
          context: count(tokens.context_length),
        })}
        head={words.bin}
        bins={tokens.histogram}
        limit={tokens.context_length}
      />
      {turns && (
        <Histogram
          title={words.turns}
          caption={words.turnsCaption({ median: count(turns.median), longest: count(turns.longest) })}
          head={words.turnsBin}
          bins={turns.histogram}
        />
      )}
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
