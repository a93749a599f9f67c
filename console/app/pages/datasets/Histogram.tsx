/** Bars as a table: what is drawn can be read, too. A limit is a line with words. */
import { Fragment } from 'react'
import { useT } from '@/i18n'
import { type Bin, filled, limitAt } from '@/lib/histogram'
import { count } from '@/lib/number'
import styles from './Dataset.module.css'

type Props = {
  title: string
  caption: string
  /** What is counted. */
  head: string
  bins: readonly Bin[]
  /** The most that the model reads. */
  limit?: number
}

export function Histogram({ title, caption, head, bins, limit }: Props) {
  const t = useT()
  const words = t.datasets.stats
  const shown = filled(bins)
  const most = Math.max(1, ...shown.map((bin) => bin.n_rows))
  const line = limit === undefined ? null : limitAt(shown, limit)
  const limitRow = line && limit !== undefined && (
    <tr className={styles.limit}>
      <th scope="row" colSpan={3}>
        {line.within
          ? words.limitWithin({ context: count(limit) })
          : line.at < shown.length
            ? words.limit({ context: count(limit) })
            : words.limitBeyond({ context: count(limit) })}
      </th>
    </tr>
  )
  return (
    <figure className={styles.histogram}>
      <figcaption>
        <h2>{title}</h2>
        <p className="quiet">{caption}</p>
      </figcaption>
      <table>
        <thead>
          <tr>
            <th scope="col">{head}</th>
            <th scope="col" className="number">
              {words.binRows}
            </th>
            <th scope="col">
              <span className="hidden-text">{words.share}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map((bin, index) => (
            <Fragment key={bin.low}>
              {line?.at === index && limitRow}
              <tr data-cut={(line && index >= line.at) || undefined}>
                <th scope="row">{nameOf(bin)}</th>
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
            </Fragment>
          ))}
          {line?.at === shown.length && limitRow}
        </tbody>
      </table>
    </figure>
  )
}

const nameOf = ({ low, high }: Bin): string =>
  high - low > 1 ? `${count(low)} – ${count(high - 1)}` : count(low)
