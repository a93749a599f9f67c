/** What can be done to a job: always visible; a button that cannot act says why. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import type { Job } from '@/api/client'
import { isApiError } from '@/api/client'
import { sentence } from '@/api/errors'
import { act } from '@/api/jobs'
import { type Action, hasEnded, whyNot } from '@/api/states'
import { useT } from '@/i18n'
import { CodeDialog } from '@/parts/ViewCode'
import { paths } from '@/paths'
import { Button, ButtonLink } from '@/ui/Button'
import { Dialog } from '@/ui/Dialog'
import { toast } from '@/ui/Toast'

export function Actions({ job, checkpoints }: { job: Job; checkpoints: number }) {
  const t = useT()
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
  const is = (action: Action) => isPending && variables === action
  return (
    <>
      <Button
        icon="pause"
        busy={is('pause')}
        disabledReason={whyNot('pause', job.status, t)}
        onClick={() => mutate('pause')}
      >
        {t.job.pause}
      </Button>
      <Button
        icon="play"
        busy={is('resume')}
        disabledReason={whyNot('resume', job.status, t)}
        onClick={() => mutate('resume')}
      >
        {t.job.resume}
      </Button>
      <Button
        icon="stop"
        kind={whyNot('cancel', job.status, t) ? 'plain' : 'danger'}
        busy={is('cancel')}
        disabledReason={whyNot('cancel', job.status, t)}
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
          <p>{checkpoints ? t.job.cancelKeeps({ count: checkpoints }) : t.job.cancelKeepsNone}</p>
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
