/** What stands where a page cannot: it broke, it is not there, or it has not come yet. */
import { useRouteError } from 'react-router'
import { useT } from '@/i18n'
import { paths } from '@/paths'
import { Button, ButtonLink } from '@/ui/Button'
import { Page } from './Page'

/** Nothing: the first page comes within a moment. */
export const Starting = () => null

export function PageFailed() {
  const t = useT()
  const error = useRouteError()
  return (
    <Page title={t.shared.pageFailed} lead={error instanceof Error ? error.message : undefined}>
      <Button kind="main" onClick={() => location.reload()}>
        {t.shared.retry}
      </Button>
    </Page>
  )
}

export function NoSuchPage() {
  const t = useT()
  return (
    <Page title={t.shared.noSuchPage}>
      <ButtonLink to={paths.overview()}>{t.shared.toOverview}</ButtonLink>
    </Page>
  )
}
