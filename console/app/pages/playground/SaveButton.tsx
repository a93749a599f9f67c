/** “Save as row” at an answer, with the dialog that it opens. */
import { lazy, Suspense, useState } from 'react'
import { useT } from '@/i18n'
import { Button } from '@/ui/Button'
import type { Answer } from './conversation'
import { hasAnswered } from './saving'

const SaveRow = lazy(() => import('./SaveRow'))

/** `brief`: there is little room, so the drawing has to do. */
type Props = { answer: Answer; turnId: number; column: number; who: string; brief: boolean }

export function SaveButton({ answer, turnId, column, who, brief }: Props) {
  const t = useT()
  const [open, setOpen] = useState(false)
  const label = t.drafts.saveThis({ who })
  return (
    <>
      <Button
        kind="quiet"
        small
        icon="datasets"
        data-save
        aria-label={label}
        title={`${t.drafts.saveAsRow} (s)`}
        disabledReason={hasAnswered(answer) ? undefined : t.drafts.noAnswer}
        onClick={() => setOpen(true)}
      >
        {brief ? undefined : t.drafts.saveAsRow}
      </Button>
      {open && (
        <Suspense fallback={null}>
          <SaveRow answer={answer} turnId={turnId} column={column} onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  )
}
