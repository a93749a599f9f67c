/** Holds out a tenth of the rows: two new files, for files are never changed, and both go into a job. */
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import { content, type FileObject } from '@/api/client'
import { sentence } from '@/api/errors'
import { upload } from '@/api/upload'
import { useT } from '@/i18n'
import { partName, split } from '@/lib/split'
import { paths } from '@/paths'
import { Button } from '@/ui/Button'
import { toast } from '@/ui/Toast'

const HELD_OUT = 0.1
/** What a browser splits without a pause; more is for a script. */
const MOST_BYTES = 64 * 1024 * 1024

export function SplitButton({ file }: { file: FileObject }) {
  const t = useT()
  const navigate = useNavigate()
  const client = useQueryClient()
  const [busy, setBusy] = useState(false)
  const run = async () => {
    setBusy(true)
    try {
      const parts = split(await (await content(file.id)).text(), HELD_OUT)
      if (!parts) return toast(t.datasets.tooSmallToSplit, { kind: 'bad' })
      const send = (part: 'train' | 'valid') =>
        upload(new File([parts[part]], partName(file.filename, part)), {})
      const [train, valid] = [await send('train'), await send('valid')]
      await client.invalidateQueries({ queryKey: ['files'] })
      toast(t.datasets.wasSplit({ train: train.filename, valid: valid.filename }))
      navigate(paths.dataset(train.id, { against: valid.id }))
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
