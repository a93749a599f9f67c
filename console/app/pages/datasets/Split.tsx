/** Holds out a tenth of the rows: two new files, for files are never changed, and both go into a job. */
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import type { FileObject } from '@/api/client'
import { sentence } from '@/api/errors'
import { MOST_BYTES, partsOf, storeParts } from '@/api/holdOut'
import { useT } from '@/i18n'
import { useShown } from '@/parts/useShown'
import { paths } from '@/paths'
import { Button } from '@/ui/Button'
import { toast } from '@/ui/Toast'

export function SplitButton({ file }: { file: FileObject }) {
  const t = useT()
  const navigate = useNavigate()
  const client = useQueryClient()
  const [busy, setBusy] = useState(false)
  const shown = useShown(file.id)
  const run = async () => {
    setBusy(true)
    try {
      const parts = await partsOf(file)
      if (!parts) return toast(t.datasets.tooSmallToSplit, { kind: 'bad' })
      const { train, valid } = await storeParts(file, parts)
      await client.invalidateQueries({ queryKey: ['files'] })
      toast(t.datasets.wasSplit({ train: train.filename, valid: valid.filename }))
      // whoever went elsewhere meanwhile is left there
      if (shown.current === file.id) navigate(paths.dataset(train.id, { against: valid.id }))
    } catch (error) {
      toast(sentence(error, t), { kind: 'bad' })
    } finally {
      setBusy(false)
    }
  }
  return (
    <Button
      busy={busy}
      disabledReason={file.bytes > MOST_BYTES ? t.datasets.tooLargeToSplit : undefined}
      onClick={run}
    >
      {t.datasets.split}
    </Button>
  )
}
