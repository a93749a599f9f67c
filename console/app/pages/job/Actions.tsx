/** What can be done to a job: always visible; a button that cannot act says why. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { Checkpoint, Job } from '@/api/client'
import { isApiError } from '@/api/client'
import { sentence } from '@/api/errors'
import { act } from '@/api/jobs'
import { type Action, hasEnded, whyNot } from '@/api/states'
import { type Messages, useT } from '@/i18n'
import { ago, count, listed } from '@/lib/number'
import { type Curve, epochAt } from '@/lib/series'
import { type Entry, pausedAt } from '@/lib/timeline'
import { useNow } from '@/parts/Age'
import { CodeDialog } from '@/parts/ViewCode'
import { paths } from '@/paths'
import { Button, ButtonLink } from '@/ui/Button'
import { Dialog } from '@/ui/Dialog'
import { toast } from '@/ui/Toast'

type Props = {
  job: Job
  curve: Curve
  /** The stages of the job. */
  entries: Entry[]
  /** Not known as long as nobody has told. */
  checkpoints: Checkpoint[] | undefined
}

export function Actions({ job, curve, entries, checkpoints }: Props) {
  const t = useT()
  const now = useNow()
  const client = useQueryClient()
  const [shown, setShown] = useState<'code' | 'cancel' | null>(null)
  const { mutate, variables, isPending } = useMutation({
    mutationFn: (action: Action) => act(action, job.id),
    onSuccess: (changed) => {
      client.setQueryData(['job', job.id], changed)
      client.invalidateQueries({ queryKey: ['events', job.id] })
      client.invalidateQueries({ queryKey: ['jobs'] })
    },
    onError: (error) => {
      toast(sentence(error, t), { kind: 'bad', detail: isApiError(error) ? error.message : undefined })
      client.invalidateQueries({ queryKey: ['job', job.id] })
    },
  })
  const step = pausedAt(entries) ?? curve.steps.at(-1)
  const facts = {
    step: step ? count(step) : null,
    ended: job.finished_at === null ? '' : ago(Math.min(job.finished_at, now), now),
  }
  const reason = (action: Action) => whyNot(action, job.status, facts, t)
  const is = (action: Action) => isPending && variables === action
  return (
    <>
      <Button
        icon="pause"
        busy={is('pause')}
        disabledReason={reason('pause')}
        onClick={() => mutate('pause')}
      >
        {t.job.pause}
      </Button>
      <Button
        icon="play"
        busy={is('resume')}
        disabledReason={reason('resume')}
        onClick={() => mutate('resume')}
      >
        {t.job.resume}
      </Button>
      <Button
        icon="stop"
        kind={reason('cancel') ? 'plain' : 'danger'}
        busy={is('cancel')}
        disabledReason={reason('cancel')}
        onClick={() => setShown('cancel')}
      >
        {t.job.cancel}
      </Button>
      {job.fine_tuned_model ? (
        <ButtonLink
          kind="main"
          icon="playground"
          to={paths.playground({ m: [job.model, job.fine_tuned_model] })}
        >
          {t.job.playground}
        </ButtonLink>
      ) : (
        <Button icon="playground" disabledReason={hasEnded(job.status) ? t.job.noModel : t.job.noModelYet}>
          {t.job.playground}
        </Button>
      )}
      <ButtonLink icon="duplicate" to={paths.newJob({ from: job.id })}>
        {t.job.duplicate}
      </ButtonLink>
      <Button icon="code" onClick={() => setShown('code')}>
        {t.shared.viewCode}
      </Button>
      {shown === 'cancel' && (
        <Dialog
          title={t.job.cancelTitle}
          onClose={() => setShown(null)}
          footer={
            <>
              <Button onClick={() => setShown(null)}>{t.job.cancelNo}</Button>
              <Button
                kind="danger"
                onClick={() => {
                  setShown(null)
                  mutate('cancel')
                }}
              >
                {t.job.cancelYes}
              </Button>
            </>
          }
        >
          <p>{t.job.cancelText}</p>
          <p>{whatStays(checkpoints, curve, t)}</p>
        </Dialog>
      )}
      {shown === 'code' && (
        <CodeDialog
          call={{
            method: 'GET',
            path: `/fine_tuning/jobs/${job.id}`,
            name: 'fine_tuning.jobs.retrieve',
            positional: [job.id],
          }}
          onClose={() => setShown(null)}
        />
      )}
    </>
  )
}

function whatStays(checkpoints: Checkpoint[] | undefined, curve: Curve, t: Messages): string {
  if (!checkpoints) return t.job.cancelKeepsUnknown
  if (!checkpoints.length) return t.job.cancelKeepsNone
  const steps = checkpoints.map((one) => one.step_number).sort((a, b) => a - b)
  const epochs = steps.flatMap((one) => epochAt(curve, one) ?? [])
  return epochs.length
    ? t.job.cancelKeepsEpochs({ count: epochs.length, epochs: listed(epochs) })
    : t.job.cancelKeeps({ count: steps.length })
}
