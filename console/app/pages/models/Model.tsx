/** One name that answers: what it is, where it comes from, what was made of it, and everything to do with it. */
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useNavigate, useParams } from 'react-router'
import { checkpointsQuery, jobQuery } from '@/api/jobs'
import { ancestorsQuery, type DetailedModel, isMissing, isTuned, modelQuery, suffixOf } from '@/api/models'
import { Page } from '@/frame/Page'
import { useT } from '@/i18n'
import { Problem } from '@/parts/Problem'
import { CodeDialog } from '@/parts/ViewCode'
import { paths } from '@/paths'
import { Button, ButtonLink } from '@/ui/Button'
import { CopyButton } from '@/ui/CopyButton'
import { Skeleton } from '@/ui/Skeleton'
import { DeleteModel } from './DeleteModel'
import { FamilyTree } from './FamilyTree'
import { Missing } from './Missing'
import { ModelFacts } from './ModelFacts'
import { WorthIt } from './WorthIt'

export function Model() {
  const t = useT()
  const { name = '' } = useParams()
  const { data: model, error, refetch } = useQuery(modelQuery(name))
  if (model) return <Shown key={model.id} model={model} />
  return (
    <Page title={name} trail={[{ label: t.models.title, to: paths.models() }]}>
      {isMissing(error) ? (
        <Missing name={name} error={error} />
      ) : error ? (
        <Problem error={error} onRetry={refetch} />
      ) : (
        <Skeleton height="6rem" lines={3} />
      )}
    </Page>
  )
}

function Shown({ model }: { model: DetailedModel }) {
  const t = useT()
  const navigate = useNavigate()
  const [open, setOpen] = useState<'code' | 'delete' | null>(null)
  const { details } = model
  const jobId = details?.fine_tuning_job_id
  const job = useQuery({ ...jobQuery(jobId ?? ''), enabled: Boolean(jobId) })
  const checkpoints = useQuery({ ...checkpointsQuery(jobId ?? '', false), enabled: Boolean(jobId) })
  const ancestors = useQuery(ancestorsQuery(model))
  const title = suffixOf(model.id) ?? model.id
  const final = details?.final_model
  // a tuned model is best asked beside what it was made from, a checkpoint beside what came of it
  const beside = final ?? (isTuned(model) ? details?.trained_from : undefined)
  return (
    <Page
      title={title}
      trail={[{ label: t.models.title, to: paths.models() }]}
      aside={<CopyButton text={model.id} what={t.models.copyName({ name: title })} />}
      actions={
        <>
          <ButtonLink
            kind="main"
            icon="playground"
            to={paths.playground({ m: beside && !final ? [model.id, beside] : model.id })}
          >
            {t.models.playground}
          </ButtonLink>
          {final && (
            <ButtonLink to={paths.playground({ m: [model.id, final] })}>{t.models.compareFinal}</ButtonLink>
          )}
          <ButtonLink icon="jobs" to={paths.newJob({ model: model.id })}>
            {isTuned(model) ? t.models.fineTune : t.models.fineTuneBase}
          </ButtonLink>
          <Button icon="code" onClick={() => setOpen('code')}>
            {t.shared.viewCode}
          </Button>
          {details?.deletable && (
            <Button kind="danger" onClick={() => setOpen('delete')}>
              {t.models.remove}
            </Button>
          )}
        </>
      }
    >
      {details ? (
        <>
          <ModelFacts
            model={model}
            details={details}
            job={job.data}
            checkpoint={checkpoints.data?.data.find((one) => one.fine_tuned_model_checkpoint === model.id)}
          />
          {details.kind === 'tuned' && beside && job.data && (
            <WorthIt model={model.id} beside={beside} job={job.data} />
          )}
          <FamilyTree
            model={model}
            details={details}
            ancestors={ancestors.data}
            job={job.data}
            checkpoints={checkpoints.data?.data ?? []}
          />
        </>
      ) : (
        <p className="quiet">{t.models.nothingKnown}</p>
      )}
      {open === 'code' && (
        <CodeDialog
          call={{
            method: 'POST',
            path: '/chat/completions',
            name: 'chat.completions.create',
            body: { model: model.id, messages: [{ role: 'user', content: 'Hello' }] },
          }}
          onClose={() => setOpen(null)}
        />
      )}
      {open === 'delete' && (
        <DeleteModel
          id={model.id}
          name={title}
          dependants={details?.built_on_it ?? []}
          onClose={() => setOpen(null)}
          onDeleted={() => navigate(paths.models())}
        />
      )}
    </Page>
  )
}
