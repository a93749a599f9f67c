/** Another name for a draft. */
import { type FormEvent, useState } from 'react'
import { useNavigate } from 'react-router'
import { type Draft, renameDraft } from '@/api/drafts'
import { useT } from '@/i18n'
import { nameFault } from '@/lib/drafts'
import { draftSentence } from '@/parts/useDrafts'
import { paths } from '@/paths'
import { Button } from '@/ui/Button'
import { Dialog } from '@/ui/Dialog'
import { Field, Input } from '@/ui/Field'

export function RenameDraft({ draft, onClose }: { draft: Draft; onClose: () => void }) {
  const t = useT()
  const navigate = useNavigate()
  const [name, setName] = useState(draft.name)
  const [problem, setProblem] = useState<string | null>(null)
  const fault = nameFault(name)
  const submit = async (event?: FormEvent) => {
    event?.preventDefault()
    if (fault) return
    try {
      const renamed = await renameDraft(draft.id, name)
      navigate(paths.draft(renamed), { replace: true })
      onClose()
    } catch (error) {
      setProblem(draftSentence(error, t))
    }
  }
  return (
    <Dialog
      title={t.drafts.renameTitle}
      onClose={onClose}
      onConfirm={submit}
      footer={
        <>
          <Button onClick={onClose}>{t.shared.cancel}</Button>
          <Button kind="main" onClick={() => submit()}>
            {t.drafts.rename}
          </Button>
        </>
      }
    >
      <form onSubmit={submit}>
        <Field
          label={t.drafts.name}
          hint={t.drafts.nameHint}
          error={fault ? t.drafts.errors[`name.${fault}`] : problem}
        >
          {(tied) => (
            <Input
              {...tied}
              autoComplete="off"
              value={name}
              onChange={(event) => {
                setName(event.target.value)
                setProblem(null)
              }}
            />
          )}
        </Field>
      </form>
    </Dialog>
  )
}
