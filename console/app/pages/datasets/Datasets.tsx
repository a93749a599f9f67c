/** The files: upload, find, and see who uses them. */
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearchParams } from 'react-router'
import { familyJobsQuery } from '@/api/family'
import { filesPageQuery, listedWith } from '@/api/files'
import { Page } from '@/frame/Page'
import { useUrlState } from '@/frame/useUrlState'
import { useT } from '@/i18n'
import { oneOf, text } from '@/lib/urlState'
import { DraftList } from '@/parts/DraftList'
import { DropVeil, UploadButton, useDrop } from '@/parts/DropZone'
import { Problem } from '@/parts/Problem'
import { useUpload } from '@/parts/useUpload'
import { CodeButton } from '@/parts/ViewCode'
import { paths } from '@/paths'
import { Button } from '@/ui/Button'
import { Input, Select } from '@/ui/Field'
import { Pager } from '@/ui/Pager'
import { Skeleton } from '@/ui/Skeleton'
import styles from './Datasets.module.css'
import { DatasetsEmpty } from './DatasetsEmpty'
import { FilesTable } from './FilesTable'
import { Uploads } from './Uploads'
import { useLook } from './useLook'

const PURPOSES = [
  'fine-tune',
  'fine-tune-results',
  'batch',
  'batch_output',
  'user_data',
  'evals',
  'assistants',
  'vision',
] as const
const PURPOSE = oneOf('', ...PURPOSES)
/** A place in one list is none in another. */
const PLACE = ['after', 'before']

/** Here each upload has its row. */
const isHere = () => location.pathname.endsWith('/datasets')

export function Datasets() {
  const t = useT()
  const navigate = useNavigate()
  const [search] = useSearchParams()
  const [purpose] = useUrlState('purpose', PURPOSE)
  const [q, setQ] = useUrlState('q', text, PLACE)
  const after = search.get('after') ?? undefined
  const before = search.get('before') ?? undefined
  const filter = { purpose, q: q.trim(), after, before }
  const { data, error, refetch, isPending } = useQuery(filesPageQuery(filter))
  const { data: jobs } = useQuery(familyJobsQuery())
  const words = q.trim().toLowerCase()
  const shown =
    data?.data.filter((file) => !words || `${file.filename} ${file.id}`.toLowerCase().includes(words)) ?? []
  const looked = useLook(shown)
  const begin = useUpload(isHere)
  const send = (files: File[]) => {
    for (const file of files) begin(file)
  }
  const over = useDrop(send)
  const isEmpty = data && !data.data.length && !after && !before && !purpose && !q
  // a page behind a cursor has one before it; one in front of a cursor says itself whether it has
  const hasNewer = after ? true : Boolean(before && data?.has_more)
  const hasOlder = before ? true : Boolean(data?.has_more)
  return (
    <Page
      title={t.datasets.title}
      lead={t.datasets.lead}
      actions={
        <>
          <UploadButton label={t.datasets.upload} onFiles={send} />
          <CodeButton call={{ method: 'GET', path: '/files', name: 'files.list', ...listedWith(filter) }} />
        </>
      }
    >
      {over && <DropVeil text={t.datasets.dropHere} />}
      {error && <Problem error={error} onRetry={refetch} />}
      <Uploads onRetry={(file) => send([file])} />
      <DraftList />
      {isEmpty ? (
        <DatasetsEmpty />
      ) : (
        <>
          <div className={styles.bar}>
            <Input
              type="search"
              className={styles.search}
              data-search
              aria-label={t.datasets.search}
              placeholder={t.datasets.search}
              value={q}
              onChange={(event) => setQ(event.target.value)}
            />
            <Select
              className={styles.purpose}
              aria-label={t.datasets.purpose}
              value={purpose}
              onChange={(event) => navigate(paths.datasets({ purpose: event.target.value, q }))}
            >
              <option value="">{t.datasets.allPurposes}</option>
              {PURPOSES.map((one) => (
                <option key={one} value={one}>
                  {t.datasets.purposes[one]}
                </option>
              ))}
            </Select>
            <span className={styles.hint}>{t.datasets.dropHint}</span>
          </div>
          {isPending && <Skeleton height="2.6rem" lines={6} />}
          {looked.length > 0 && <FilesTable files={looked} jobs={jobs?.data ?? []} />}
          {data && !shown.length && (
            <p className={styles.none}>
              {t.datasets.noneFound}{' '}
              <Button small onClick={() => navigate(paths.datasets())}>
                {t.datasets.clear}
              </Button>
            </p>
          )}
          {data && (
            <Pager
              newer={hasNewer ? paths.datasets({ purpose, q, before: data.data[0]?.id }) : null}
              older={
                hasOlder && data.data.length
                  ? paths.datasets({ purpose, q, after: data.data.at(-1)?.id })
                  : null
              }
            />
          )}
        </>
      )}
    </Page>
  )
}
