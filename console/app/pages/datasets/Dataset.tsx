/** One file: what a job would say of it, its rows as the trainer sees them, and its tokens. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { useNavigate, useParams } from 'react-router'
import { api, body, type FileObject } from '@/api/client'
import { sentence } from '@/api/errors'
import { familyJobsQuery } from '@/api/family'
import { download, fileQuery, forgetFile } from '@/api/files'
import { nameOf } from '@/api/jobs'
import { isBase, modelsQuery } from '@/api/models'
import { reportQuery } from '@/api/report'
import { forget } from '@/api/uploading'
import { Page } from '@/frame/Page'
import { useUrlState } from '@/frame/useUrlState'
import { useT } from '@/i18n'
import type { Call } from '@/lib/code'
import { bytes, count } from '@/lib/number'
import { oneOf, text } from '@/lib/urlState'
import { harmless } from '@/lib/visible'
import { Age } from '@/parts/Age'
import { DeleteDialog } from '@/parts/DeleteDialog'
import { Problem } from '@/parts/Problem'
import { CodeButton } from '@/parts/ViewCode'
import { paths } from '@/paths'
import { Button, ButtonLink } from '@/ui/Button'
import { CopyButton } from '@/ui/CopyButton'
import { Select } from '@/ui/Field'
import { Skeleton } from '@/ui/Skeleton'
import { TabPanel, Tabs } from '@/ui/Tabs'
import { toast } from '@/ui/Toast'
import { Beginning } from './Beginning'
import { Convert } from './Convert'
import styles from './Dataset.module.css'
import { usesOf } from './FilesTable'
import { Inspecting } from './Inspecting'
import { Report } from './Report'
import { Rows } from './Rows'
import { SplitButton } from './Split'
import { Stats } from './Stats'

const TAB = oneOf('report', 'rows', 'stats')
const TRAINING = 'fine-tune'

export function Dataset() {
  const t = useT()
  const { id = '' } = useParams()
  const { data: file, error, refetch } = useQuery(fileQuery(id))
  if (error)
    return (
      <Page title={id} trail={[{ label: t.datasets.title, to: paths.datasets() }]}>
        <Problem error={error} onRetry={refetch} />
      </Page>
    )
  if (!file) return <Skeleton height="3rem" lines={4} />
  return <Shown key={file.id} file={file} />
}

/** What the page asks for, as code; a file that is no training data is read as it is. */
function callOf({ id, purpose }: FileObject, tab: string, model: string): Call {
  if (purpose !== TRAINING)
    return { method: 'GET', path: `/files/${id}`, name: 'files.retrieve', positional: [id] }
  return {
    method: 'GET',
    path: `/files/${id}/${tab === 'rows' ? 'rows' : 'report'}`,
    query: { model },
  }
}

function Shown({ file }: { file: FileObject }) {
  const t = useT()
  const [tab] = useUrlState('tab', TAB)
  const [model] = useUrlState('model', text)
  const navigate = useNavigate()
  const client = useQueryClient()
  const [doomed, setDoomed] = useState(false)
  const [busy, setBusy] = useState(false)
  const gone = useRef(false)
  useEffect(
    () => () => {
      if (gone.current) forgetFile(client, file.id) // while the page shows it, it would be asked for again
    },
    [client, file.id],
  )
  const { data: jobs } = useQuery(familyJobsQuery())
  const uses = usesOf(file, jobs?.data ?? [])
  const name = harmless(file.filename)
  const save = async () => {
    setBusy(true)
    try {
      await download(file.id, file.filename)
    } catch (error) {
      toast(sentence(error, t), { kind: 'bad' })
    }
    setBusy(false)
  }
  return (
    <Page
      title={name}
      aside={<CopyButton text={file.id} what={t.datasets.copyId} />}
      trail={[{ label: t.datasets.title, to: paths.datasets() }]}
      lead={
        <span className={styles.facts}>
          <span>{t.datasets.purposes[file.purpose] ?? file.purpose}</span>
          <span>{bytes(file.bytes)}</span>
          <Age unixS={file.created_at} />
          <span className="mono">{file.id}</span>
        </span>
      }
      actions={
        <>
          {file.purpose === TRAINING && (
            <ButtonLink kind="main" icon="jobs" to={paths.newJob({ file: file.id })}>
              {t.datasets.fineTune}
            </ButtonLink>
          )}
          {file.purpose === TRAINING && <SplitButton file={file} />}
          <Button icon="download" busy={busy} onClick={save}>
            {t.datasets.download}
          </Button>
          <CodeButton call={callOf(file, tab, model)} />
          <Button kind="danger" onClick={() => setDoomed(true)}>
            {t.datasets.remove}
          </Button>
        </>
      }
    >
      {uses.length > 0 && (
        <p className={styles.uses}>
          {t.datasets.usedByJobs}{' '}
          {uses.slice(0, 8).map((job) => (
            <ButtonLink key={job.id} small kind="quiet" to={paths.job(job.id)}>
              {nameOf(job)}
            </ButtonLink>
          ))}
        </p>
      )}
      {file.purpose === TRAINING ? (
        <Training file={file} />
      ) : (
        <Beginning file={file} note={t.datasets.notTraining} />
      )}
      {doomed && (
        <DeleteDialog
          title={t.datasets.deleteTitle}
          name={file.filename}
          action={t.datasets.remove}
          onClose={() => setDoomed(false)}
          onDelete={async () => {
            await body(api.DELETE('/v1/files/{file_id}', { params: { path: { file_id: file.id } } }))
            forget(file.id)
            gone.current = true
            await client.invalidateQueries({ queryKey: ['files'] })
            toast(t.datasets.deleted({ name }))
            navigate(paths.datasets(), { replace: true })
          }}
        >
          <p>{t.datasets.deleteText}</p>
          {uses.length > 0 && <p>{t.datasets.deleteUsed({ count: uses.length })}</p>}
        </DeleteDialog>
      )}
    </Page>
  )
}

function Training({ file }: { file: FileObject }) {
  const t = useT()
  const [tab] = useUrlState('tab', TAB)
  const [model, setModel] = useUrlState('model', text)
  const { data: models } = useQuery(modelsQuery())
  const {
    data: answer,
    error,
    refetch,
    isPending,
  } = useQuery(reportQuery(file.id, { model: model || undefined }))
  const bases = models?.data.filter(isBase) ?? []
  if (error) return <Problem error={error} onRetry={refetch} />
  if (isPending) return <Skeleton height="2.6rem" lines={4} />
  if (!answer) return <Beginning file={file} note={t.datasets.noReport} />
  const report = answer.report
  const found = report ? report.n_problems + report.n_warnings : 0
  const to = (name: string) =>
    paths.dataset(file.id, { tab: name === 'report' ? undefined : name, model: model || undefined })
  return (
    <>
      <Tabs
        label={t.datasets.tabs}
        current={tab}
        tabs={[
          {
            id: 'report',
            label: t.datasets.tab.report,
            to: to('report'),
            count: found ? count(found) : undefined,
          },
          {
            id: 'rows',
            label: t.datasets.tab.rows,
            to: to('rows'),
            count: report ? count(report.n_rows) : undefined,
          },
          { id: 'stats', label: t.datasets.tab.stats, to: to('stats') },
        ]}
      />
      <TabPanel current={tab}>
        {report?.format === 'completion' && <Convert file={file} faulty={report.n_problems > 0} />}
        {tab !== 'report' && bases.length > 1 && (
          <div className={styles.model}>
            <span>{t.datasets.forModel}</span>
            <Select
              aria-label={t.datasets.forModel}
              value={model || answer.model}
              onChange={(event) => setModel(event.target.value)}
            >
              {bases.map((base) => (
                <option key={base.id} value={base.id}>
                  {base.id}
                </option>
              ))}
            </Select>
          </div>
        )}
        {answer.progress && <Inspecting progress={answer.progress} />}
        {tab === 'report' && report && <Report file={file} report={report} model={model} />}
        {tab === 'rows' && <Rows file={file} model={model} />}
        {tab === 'stats' && report && <Stats file={file} report={report} model={model} base={answer.model} />}
      </TabPanel>
    </>
  )
}
