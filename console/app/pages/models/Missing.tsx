/** A name that nobody has, and those that may have been meant. */
import { useQuery } from '@tanstack/react-query'
import { Link } from 'react-router'
import { isApiError } from '@/api/client'
import { modelsQuery } from '@/api/models'
import { useT } from '@/i18n'
import { nearest, quoted } from '@/lib/nearest'
import { Problem } from '@/parts/Problem'
import { paths } from '@/paths'
import styles from './Model.module.css'

export function Missing({ name, error }: { name: string; error: unknown }) {
  const t = useT()
  const told = isApiError(error) ? quoted(error.message).filter((one) => one !== name) : []
  const { data } = useQuery({ ...modelsQuery(), enabled: !told.length })
  const names = told.length ? told : nearest(name, data?.data.map((model) => model.id) ?? [])
  return (
    <>
      <Problem error={error} />
      <section className={styles.missing} aria-label={t.models.nearest}>
        {names.length > 0 && (
          <>
            <p>{t.models.nearest}</p>
            <ul>
              {names.map((one) => (
                <li key={one}>
                  <Link to={paths.model(one)}>
                    <code>{one}</code>
                  </Link>
                </li>
              ))}
            </ul>
          </>
        )}
        <Link to={paths.models()}>{t.models.allModels}</Link>
      </section>
    </>
  )
}
