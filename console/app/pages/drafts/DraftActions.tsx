/** What can be done with a draft as a whole: a file on the server and a job at once, a file here, another name. */
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import { type DraftWithRows, markUploaded } from '@/api/drafts'
import { sentence } from '@/api/errors'
import { save } from '@/api/files'
import { upload } from '@/api/upload'
import { useT } from '@/i18n'
import { asJsonl, fileName } from '@/lib/drafts'
import { count } from '@/lib/number'
import { harmless } from '@/lib/visible'
import { useFewest } from '@/parts/useDrafts'
import { useShown } from '@/parts/useShown'
import { CodeButton } from '@/parts/ViewCode'
import { paths } from '@/paths'
import { Button } from '@/ui/Button'
import { toast } from '@/ui/Toast'
import { RenameDraft } from './RenameDraft'

export function DraftActions({ draft, onRemove }: { draft: DraftWithRows; onRemove: () => void }) {
  const t = useT()
  const fewest = useFewest()
  const [renaming, setRenaming] = useState(false)
  const { busy, send } = useSending(draft)
  const { rows, saved, name } = draft
  const lacking = rows
    ? rows < fewest
      ? t.drafts.uploadFew({ rows: count(rows), fewest: count(fewest) })
      : undefined
    : t.drafts.uploadNone
  const content = () => asJsonl(saved.map(({ row }) => row))
  return (
    <>
      <Button kind="main" icon="upload" busy={busy} disabledReason={lacking} onClick={send}>
        {busy ? t.drafts.uploading : t.drafts.upload}
      </Button>
      <Button
        icon="download"
        disabledReason={rows ? undefined : t.drafts.uploadNone}
        onClick={() => save(new Blob([content()], { type: 'application/jsonl' }), fileName(name))}
      >
        {t.drafts.download}
      </Button>
      <CodeButton
        call={{
          method: 'POST',
          path: '/files',
          name: 'files.create',
          file: fileName(name),
          body: { purpose: 'fine-tune' },
        }}
      />
      <Button icon="edit" onClick={() => setRenaming(true)}>
        {t.drafts.rename}
      </Button>
      <Button kind="danger" onClick={onRemove}>
        {t.drafts.removeDraft}
      </Button>
      {renaming && <RenameDraft draft={draft} onClose={() => setRenaming(false)} />}
    </>
  )
}

/** `POST /v1/files`, and on to the create dialog with the file and its method. */
function useSending({ id, name, kind, saved }: DraftWithRows) {
  const t = useT()
  const navigate = useNavigate()
  const client = useQueryClient()
  const [busy, setBusy] = useState(false)
  const shown = useShown(id)
  const send = async () => {
    setBusy(true)
    try {
      const content = asJsonl(saved.map(({ row }) => row))
      const file = await upload(new File([content], fileName(name), { type: 'application/jsonl' }), {})
      // that it is marked is a help, no more: the file is there
      await markUploaded(id, saved, file).catch(() => undefined)
      client.invalidateQueries({ queryKey: ['files'] })
      toast(t.drafts.uploaded({ name: harmless(file.filename) }))
      // whoever went elsewhere meanwhile is left there
      if (shown.current === id) navigate(paths.newJob({ file: file.id, method: kind ?? undefined }))
    } catch (error) {
      toast(sentence(error, t), { kind: 'bad', detail: error instanceof Error ? error.message : undefined })
    }
    setBusy(false)
  }
  return { busy, send }
}
