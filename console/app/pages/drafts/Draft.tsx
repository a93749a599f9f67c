/** A draft: its rows to read and to mend, how many are still needed, and the way to a file and a job. */
import { useState } from 'react'
import { useParams } from 'react-router'
import { type DraftWithRows, putBack, type Removed, removeDraft } from '@/api/drafts'
import { Page } from '@/frame/Page'
import { useT } from '@/i18n'
import { count } from '@/lib/number'
import { harmless } from '@/lib/visible'
import { DraftList } from '@/parts/DraftList'
import { draftSentence, useDraft, useFewest, useFill } from '@/parts/useDrafts'
import { paths } from '@/paths'
import { Button, ButtonLink } from '@/ui/Button'
import { Icon } from '@/ui/Icon'
import { Skeleton } from '@/ui/Skeleton'
import { toast } from '@/ui/Toast'
import { DraftActions } from './DraftActions'
import { DraftRows } from './DraftRows'
import styles from './Drafts.module.css'

export function Draft() {
  const t = useT()
  const { name = '' } = useParams()
  const { data: draft, error, refetch, isPending } = useDraft(name)
  /** By name: this page may go on with another draft, and come back. */
  const [removals, setRemovals] = useState<Record<string, Removed>>({})
  const removed = Object.hasOwn(removals, name) ? removals[name] : undefined
  const trail = [{ label: t.datasets.title, to: paths.datasets() }]
  const remove = async (doomed: DraftWithRows) => {
    try {
      const gone = await removeDraft(doomed.id)
      setRemovals((before) => ({ ...before, [name]: gone }))
    } catch (fault) {
      toast(draftSentence(fault, t), { kind: 'bad' })
    }
  }
  if (error)
    return (
      <Page title={harmless(name)} trail={trail}>
        <div className={styles.problem} role="alert">
          <Icon name="warn" />
          <p>{draftSentence(error, t)}</p>
          <Button small onClick={() => refetch()}>
            {t.shared.retry}
          </Button>
        </div>
      </Page>
    )
  if (isPending) return <Skeleton height="6rem" lines={4} />
  if (!draft)
    return (
      <Page title={removed ? harmless(name) : t.drafts.noSuch} trail={trail}>
        {removed ? <Gone name={name} removed={removed} /> : <p>{t.drafts.noSuchText}</p>}
        <div className={styles.others}>
          <DraftList />
          <ButtonLink to={paths.datasets()}>{t.drafts.toDatasets}</ButtonLink>
        </div>
      </Page>
    )
  return (
    <Page
      title={harmless(draft.name)}
      trail={trail}
      lead={<Facts draft={draft} />}
      actions={<DraftActions draft={draft} onRemove={() => remove(draft)} />}
    >
      <DraftRows key={draft.id} draft={draft} />
    </Page>
  )
}

function Facts({ draft }: { draft: DraftWithRows }) {
  const t = useT()
  const fewest = useFewest()
  const fill = useFill()
  const { kind, rows, uploaded, pending } = draft
  return (
    <>
      <p>{t.drafts.lead}</p>
      <p className={styles.facts}>
        {kind && <span className={styles.kind}>{t.drafts.kinds[kind]}</span>}
        <progress max={fewest} value={Math.min(rows, fewest)} aria-label={fill(draft)} />
        <span>{fill(draft)}</span>
        {uploaded && (
          <span>
            {t.drafts.uploadedAs}{' '}
            <ButtonLink small kind="quiet" to={paths.dataset(uploaded.file)}>
              {harmless(uploaded.name)}
            </ButtonLink>
            {pending > 0 && t.drafts.sinceThen({ count: pending, text: count(pending) })}
          </span>
        )}
      </p>
    </>
  )
}

function Gone({ name, removed }: { name: string; removed: Removed }) {
  const t = useT()
  const undo = () => putBack(removed).catch((error) => toast(draftSentence(error, t), { kind: 'bad' }))
  return (
    <div className={styles.gone} role="status">
      <span>{t.drafts.draftRemoved({ name: harmless(name) })}</span>
      <Button small autoFocus onClick={undo}>
        {t.drafts.undo}
      </Button>
    </div>
  )
}
