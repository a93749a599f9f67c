/** The create dialog: over the list of jobs, a page of its own on a phone. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { useNavigate, useSearchParams } from 'react-router'
import { isApiError } from '@/api/client'
import { createJob, eventsQuery, jobQuery, nameOf } from '@/api/jobs'
import { isBase, modelsQuery } from '@/api/models'
import { useT } from '@/i18n'
import { paths } from '@/paths'
import { Button } from '@/ui/Button'
import { Dialog } from '@/ui/Dialog'
import { toast } from '@/ui/Toast'
import { CreateForm } from './CreateForm'
import {
  EMPTY,
  type Faults,
  type FieldName,
  type Form,
  faultsOf,
  fieldOf,
  forget,
  formOf,
  isUntouched,
  keep,
  kept,
  newIdempotencyKey,
  requestOf,
  under,
} from './form'

export function Create() {
  const t = useT()
  const navigate = useNavigate()
  const client = useQueryClient()
  const [search] = useSearchParams()
  const from = search.get('from')
  const method = search.get('method')
  const { data: models } = useQuery(modelsQuery())
  const [filled, setForm] = useState<Form>(() => ({
    ...(from ? EMPTY : (kept() ?? EMPTY)),
    ...(method === 'dpo' || method === 'supervised' ? { method } : {}),
    ...(search.get('model') ? { model: search.get('model') as string } : {}),
    ...(search.get('file') ? { training: search.get('file') as string } : {}),
  }))
  const [original, setOriginal] = useState<Form | null>(null)
  const [faults, setFaults] = useState<Faults>({})
  const [refusal, setRefusal] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)
  const [uploading, setUploading] = useState(false)
  const [idempotencyKey] = useState(newIdempotencyKey)
  const body = useRef<HTMLDivElement>(null)
  // the server's first base, unless another model was chosen
  const form = filled.model ? filled : { ...filled, model: models?.data.find(isBase)?.id ?? '' }

  useEffect(() => {
    if (!from) return
    let left = false
    Promise.all([
      client.fetchQuery({ ...jobQuery(from), staleTime: 60_000 }),
      client.fetchQuery({ ...eventsQuery(client, from, false), staleTime: 60_000 }),
    ])
      .then(([job, events]) => {
        if (left) return
        const read = formOf(job, events)
        setForm((typed) => under(typed, read))
        setOriginal(read)
      })
      .catch((error) => !left && setRefusal(error))
    return () => {
      left = true
    }
  }, [client, from])

  const change = (changed: Form) => {
    setForm(changed)
    keep(changed)
    if (Object.keys(faults).length) setFaults(faultsOf(changed, t))
  }
  const focus = (field: FieldName) => {
    const name = field === 'training' || field === 'validation' ? `${field}_file` : field
    requestAnimationFrame(() => body.current?.querySelector<HTMLElement>(`[data-field="${name}"]`)?.focus())
  }
  const submit = async () => {
    if (busy || uploading) return
    const found = faultsOf(form, t)
    setFaults(found)
    setRefusal(null)
    const first = Object.keys(found)[0] as FieldName | undefined
    if (first) return focus(first)
    setBusy(true)
    try {
      const job = await createJob(requestOf(form), idempotencyKey)
      forget()
      client.setQueryData(['job', job.id], job)
      client.invalidateQueries({ queryKey: ['jobs'] })
      toast(t.create.created({ name: nameOf(job) }))
      navigate(paths.job(job.id), { replace: true })
    } catch (error) {
      setRefusal(error)
      setBusy(false)
      const field = isApiError(error) ? fieldOf(error.param) : null
      if (field && isApiError(error)) {
        setFaults({ [field]: error.message })
        focus(field)
      }
    }
  }
  const mayClose = () => {
    if (isUntouched(filled) || original === filled) return true
    const sure = !busy && confirm(t.create.discard)
    if (sure) forget()
    return sure
  }
  return (
    <Dialog
      title={t.create.title}
      wide
      onClose={() => navigate(paths.jobs())}
      mayClose={mayClose}
      onConfirm={submit}
      footer={
        <>
          <Button onClick={() => mayClose() && navigate(paths.jobs())}>{t.shared.cancel}</Button>
          <Button
            kind="main"
            busy={busy}
            disabledReason={uploading ? t.create.stillUploading : undefined}
            onClick={submit}
          >
            {busy ? t.create.submitting : t.create.submit}
          </Button>
        </>
      }
    >
      <div ref={body}>
        <CreateForm
          form={form}
          original={original}
          faults={faults}
          refusal={refusal}
          onChange={change}
          onBusy={setUploading}
        />
      </div>
    </Dialog>
  )
}
