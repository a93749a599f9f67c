/** Newer and older, by links: Back works, and no total is claimed that the server does not give. */
import { useT } from '@/i18n'
import { Button, ButtonLink } from './Button'
import styles from './Pager.module.css'

export function Pager({ newer, older }: { newer: string | null; older: string | null }) {
  const t = useT()
  if (newer === null && older === null) return null
  return (
    <nav className={styles.pager} aria-label={t.shared.pages}>
      {newer === null ? (
        <Button small icon="left" disabledReason={t.shared.noNewer}>
          {t.shared.newer}
        </Button>
      ) : (
        <ButtonLink small icon="left" to={newer}>
          {t.shared.newer}
        </ButtonLink>
      )}
      {older === null ? (
        <Button small disabledReason={t.shared.noOlder}>
          {t.shared.older}
        </Button>
      ) : (
        <ButtonLink small to={older}>
          {t.shared.older}
        </ButtonLink>
      )}
    </nav>
  )
}
