/** Where the next comparisons go. */
import { useState } from 'react'
import type { Draft } from '@/api/drafts'
import { useT } from '@/i18n'
import { nameFault } from '@/lib/drafts'
import { DraftChoice } from '@/parts/DraftChoice'
import { Button } from '@/ui/Button'
import { Dialog } from '@/ui/Dialog'
import styles from './SaveRow.module.css'

type Props = {
  drafts: readonly Draft[]
  value: string
  onChoose: (name: string) => void
  onClose: () => void
}

export function BetterDraft({ drafts, value, onChoose, onClose }: Props) {
  const t = useT()
  const [name, setName] = useState(value)
  const submit = () => {
    if (nameFault(name)) return // it stands at the field
    onChoose(name.trim())
    onClose()
  }
  return (
    <Dialog
      title={t.drafts.better.change}
      onClose={onClose}
      onConfirm={submit}
      footer={
        <>
          <Button onClick={onClose}>{t.shared.cancel}</Button>
          <Button kind="main" onClick={submit}>
            {t.drafts.better.change}
          </Button>
        </>
      }
    >
      <div className={styles.form}>
        <DraftChoice drafts={drafts} kind="dpo" value={name} onChange={setName} />
      </div>
    </Dialog>
  )
}
