/** The call behind a page, as code to take along: JSON, Python, Node, curl. */
import { lazy, Suspense, useState } from 'react'
import { useT } from '@/i18n'
import type { Call } from '@/lib/code'
import { Button } from '@/ui/Button'
import { Dialog } from '@/ui/Dialog'
import { Skeleton } from '@/ui/Skeleton'

const CodeText = lazy(() => import('./CodeText'))

/** What shows that an address and a key are right. */
export const LIST_MODELS: Call = { method: 'GET', path: '/models', name: 'models.list' }

export function CodeView({ call }: { call: Call }) {
  return (
    <Suspense fallback={<Skeleton height="14rem" />}>
      <CodeText call={call} />
    </Suspense>
  )
}

/** The button that shows the call of a page. */
export function CodeButton({ call }: { call: Call }) {
  const t = useT()
  const [open, setOpen] = useState(false)
  return (
    <>
      <Button icon="code" onClick={() => setOpen(true)}>
        {t.shared.viewCode}
      </Button>
      {open && <CodeDialog call={call} onClose={() => setOpen(false)} />}
    </>
  )
}

export function CodeDialog({ call, onClose }: { call: Call; onClose: () => void }) {
  const t = useT()
  return (
    <Dialog title={t.shared.viewCode} onClose={onClose} wide>
      <CodeView call={call} />
    </Dialog>
  )
}
