/** The create dialog: over the list of jobs, a page of its own on a phone. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { useNavigate, useSearchParams } from 'react-router'
import { isApiError } from '@/api/client'
import { sentence } from '@/api/errors'
import { createJob, eventsQuery, jobQuery, nameOf } from '@/api/jobs'
import { isBase, modelsQuery } from '@/api/models'
import { useT } from '@/i18n'
import { requestNames } from '@/lib/requestNames'
import { paths } from '@/paths'
import { Button } from '@/ui/Button'
import { Dialog } from '@/ui/Dialog'
import { Icon } from '@/ui/Icon'
import { toast } from '@/ui/Toast'
import styles from './Create.module.css'
import { CreateForm, type Sender } from './CreateForm'
import {
  changes,
  type Faults,
  type FieldName,
  type Form,
  faultsOf,
  fieldOf,
  formOf,
  requestOf,
  under,
} from './form'
import { forget, keep, left, linked } from './kept'
import { objection, useForecast } from './useForecast'

export function Create() {
  const t = useT()
  const client = useQueryClient()
  const [search] = useSearchParams()
  const from = search.get('from')
  const { data: models } = useQuery(modelsQuery())
  const [before] = useState(() => left(search))
  const [isAsLeft, setAsLeft] = useState(before !== null)
  const [filled, setForm] = useState<Form>(() => before ?? linked(search))
  const [original, setOriginal] = useState<Form | null>(null)
  const [faults, setFaults] = useState<Faults>({})
  const [refusal, setRefusal] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)
  const [senders, setSenders] = useState<readonly Sender[]>([])
  const [nameOfRequest] = useState(requestNames)
  const body = useRef<HTMLDivElement>(null)
  const navigate = useNavigate()
  // the server's first base, unless another model was chosen
  const withModel = (one: Form) => (one.model ? one : { ...one, model: models?.data.find(isBase)?.id ?? '' })
  const form = withModel(filled)
  /** Before anything was typed; null while that is being read. */
  const start = from ? original : withModel(linked(search))
  const forecast = useForecast(form)
  const against = objection(forecast)
  const reason = refusal ?? against

  useEffect(() => {
    if (!from) return
    let gone = false
    Promise.all([
      client.fetchQuery({ ...jobQuery(from), staleTime: 60_000 }),
      client.fetchQuery({ ...eventsQuery(client, from, false), staleTime: 60_000 }),
    ])
      .then(([job, events]) => {
        if (gone) return
        const read = formOf(job, events)
        if (!before) setForm((typed) => under(typed, read))
        setOriginal(read)
      })
      .catch((error) => !gone && setRefusal(error))
    return () => {
      gone = true
    }
  }, [client, from, before])

  const change = (changed: Form) => {
    setForm(changed)
    setRefusal(null)
    if (start) changes(changed, start).length ? keep(search, changed) : forget(search)
    if (Object.keys(faults).length) setFaults(faultsOf(changed, t))
  }
  const startAfresh = () => {
    if (start) setForm(start)
    forget(search)
    setAsLeft(false)
    setFaults({})
  }
  const focus = (field: FieldName | null) => {
    const name = field === 'training' || field === 'validation' ? `${field}_file` : field
    if (name)
      requestAnimationFrame(() => body.current?.querySelector<HTMLElement>(`[data-field="${name}"]`)?.focus())
  }
  const submit = async () => {
    if (busy || senders.length) return
    const found = faultsOf(form, t)
    setFaults(found)
    setRefusal(null)
    const first = Object.keys(found)[0] as FieldName | undefined
    if (first) return focus(first)
    if (against) return focus(fieldOf(against.param))
    setBusy(true)
    const request = requestOf(form)
    try {
      const job = await createJob(request, nameOfRequest(request))
      forget(search)
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
  const close = () => {
    // the router counts the pages of this tab: whoever came by a link from elsewhere has none to go back to
    if (history.state?.idx) navigate(-1)
    else navigate(paths.jobs(), { replace: true })
  }
  return (
    <Dialog
      title={t.create.title}
      wide
      onClose={close}
      mayClose={() => !busy}
      onConfirm={submit}
      footer={
        <>
          {reason !== null && (
            <p className={styles.reason}>
              <Icon name="warn" size={14} /> {sentence(reason, t)}
            </p>
          )}
          <Button disabledReason={busy ? t.create.submitting : undefined} onClick={close}>
            {t.shared.cancel}
          </Button>
          <Button
            kind="main"
            busy={busy}
            disabledReason={
              senders.length ? t.create.stillUploading : against ? sentence(against, t) : undefined
            }
            onRefused={submit}
            onClick={submit}
          >
            {busy ? t.create.submitting : t.create.submit}
          </Button>
        </>
      }
    >
      <div ref={body}>
        {isAsLeft && start && changes(form, start).length > 0 && (
          <p className={styles.left} role="status">
            <Icon name="info" size={14} /> {t.create.asLeft}
            <Button small onClick={startAfresh}>
              {t.create.startAfresh}
            </Button>
          </p>
        )}
        <CreateForm
          form={form}
          original={original}
          forecast={forecast}
          faults={faults}
          refusal={refusal}
          onChange={change}
          onBusy={(sender, sends) =>
            setSenders((before) => [...before.filter((one) => one !== sender), ...(sends ? [sender] : [])])
          }
        />
      </div>
    </Dialog>
  )
}
