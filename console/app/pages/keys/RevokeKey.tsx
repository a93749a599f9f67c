/** Revoking says when the key was last used, and asks once. */
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { type AnyKey, isOwn, revokeKey } from '@/api/organization'
import { useT } from '@/i18n'
import { ago } from '@/lib/number'
import { Problem } from '@/parts/Problem'
import { Button } from '@/ui/Button'
import { Dialog } from '@/ui/Dialog'
import { toast } from '@/ui/Toast'
import styles from './Keys.module.css'

type Props = { where: string | null; found: AnyKey; onClose: () => void }

export function RevokeKey({ where, found, onClose }: Props) {
  const t = useT()
  const client = useQueryClient()
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<unknown>(null)
  const submit = async () => {
    setBusy(true)
    setProblem(null)
    try {
      await revokeKey(where, found.id)
      toast(t.keys.revoked({ name: found.name }))
      client.invalidateQueries({ queryKey: ['keys'] })
      onClose()
    } catch (error) {
      setProblem(error)
      setBusy(false)
    }
  }
  return (
    <Dialog
      title={t.keys.revokeTitle}
      onClose={onClose}
      mayClose={() => !busy}
      footer={
        <>
          <Button disabledReason={busy ? t.shared.underWay : undefined} onClick={onClose}>
            {t.shared.cancel}
          </Button>
          <Button kind="danger" busy={busy} onClick={submit}>
            {t.keys.revoke}
          </Button>
        </>
      }
    >
      <div className={styles.form}>
        <p>
          <strong>{found.name}</strong> <code>{found.redacted_value}</code>
        </p>
        <p>
          {found.last_used_at === null
            ? t.keys.revokeUnused
            : t.keys.revokeUsed({ ago: ago(found.last_used_at) })}
        </p>
        {isOwn(found) && <p className={styles.ended}>{t.keys.revokeOwn}</p>}
        {problem !== null && <Problem error={problem} />}
      </div>
    </Dialog>
  )
}
