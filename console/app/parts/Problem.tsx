/** An error, in the reader's language, with the server's own words beneath, the request's id, and a way on. */
import { isApiError } from '@/api/client'
import { sentence } from '@/api/errors'
import { useT } from '@/i18n'
import { Button } from '@/ui/Button'
import { Icon } from '@/ui/Icon'
import styles from './Problem.module.css'

export function Problem({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const t = useT()
  const known = isApiError(error) ? error : null
  return (
    <div className={styles.problem} role="alert">
      <Icon name="warn" />
      <div className={styles.words}>
        <p>{sentence(error, t)}</p>
        {known && !known.isOffline && <p className={styles.theirs}>{known.message}</p>}
        {known?.requestId && <p className={styles.id}>{t.shared.requestId({ id: known.requestId })}</p>}
      </div>
      {onRetry && (
        <Button small onClick={onRetry}>
          {t.shared.retry}
        </Button>
      )}
    </div>
  )
}
