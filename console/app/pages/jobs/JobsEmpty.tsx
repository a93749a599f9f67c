/** No job yet: three ways to begin. */
import { Link } from 'react-router'
import { useT } from '@/i18n'
import { paths } from '@/paths'
import { Icon, type IconName } from '@/ui/Icon'
import styles from './Jobs.module.css'

export function JobsEmpty() {
  const t = useT()
  const ways: { icon: IconName; title: string; text: string; to: string }[] = [
    { icon: 'spark', title: t.jobs.emptySample, text: t.jobs.emptySampleText, to: paths.overview() },
    { icon: 'upload', title: t.jobs.emptyUpload, text: t.jobs.emptyUploadText, to: paths.newJob() },
    { icon: 'code', title: t.jobs.emptyCode, text: t.jobs.emptyCodeText, to: paths.overview() },
  ]
  return (
    <section className={styles.empty}>
      <h2>{t.jobs.emptyTitle}</h2>
      <p className="quiet">{t.jobs.emptyLead}</p>
      <ul className={styles.ways}>
        {ways.map((way) => (
          <li key={way.title}>
            <Link to={way.to} className={styles.way}>
              <Icon name={way.icon} size={20} />
              <span className={styles.wayTitle}>{way.title}</span>
              <span className="quiet">{way.text}</span>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  )
}
