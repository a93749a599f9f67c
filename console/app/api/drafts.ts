/** Drafts: rows that were saved and are no file yet. Read as queries, changed by functions; `draftStore.ts` keeps them. */
import { queryOptions } from '@tanstack/react-query'
import { type DraftRow, kindOf, MOST_ROWS, nameFault } from '@/lib/drafts'
import {
  changed,
  DraftFault,
  digestOf,
  folded,
  type KeptDraft,
  type KeptRow,
  type Stores,
  within,
} from './draftStore'
import { asked } from './idb'
import { keyPrint } from './key'

export { DraftFault, onDraftsChange } from './draftStore'

export type Draft = Pick<KeptDraft, 'name' | 'kind' | 'changedMs' | 'uploaded'> & {
  id: number
  rows: number
  /** Rows that no file has yet. */
  pending: number
}
export type SavedRow = { id: number; row: DraftRow }
export type DraftWithRows = Draft & { saved: SavedRow[] }
/** What was removed, to be put back. */
export type Removed = { draft: KeptDraft | null; rows: KeptRow[] }

// -- reading --------------------------------------------------------------------------------------------

async function counted({ rows }: Stores, kept: KeptDraft): Promise<Draft> {
  const { id = 0, name, kind, changedMs, uploaded } = kept
  const [n, pending] = await Promise.all([
    asked(rows.index('draft').count(id)),
    asked(rows.index('pending').count([id, 1])),
  ])
  // emptied, it takes either kind again
  return { id, name, kind: n ? kind : null, changedMs, uploaded, rows: n, pending }
}

const named = ({ drafts, owner }: Stores, name: string): Promise<KeptDraft | undefined> =>
  asked(drafts.index('named').get([owner, folded(name)]))

/** The newest first. */
export const draftsQuery = () =>
  queryOptions({
    queryKey: ['drafts', keyPrint()],
    queryFn: () =>
      within('readonly', async (stores) => {
        const kept: KeptDraft[] = await asked(stores.drafts.index('owner').getAll(stores.owner))
        const found = await Promise.all(kept.map((draft) => counted(stores, draft)))
        return found.sort((a, b) => b.changedMs - a.changedMs)
      }),
    staleTime: Number.POSITIVE_INFINITY, // changes are told
  })

/** Null where there is no such draft. */
export const draftQuery = (name: string) =>
  queryOptions({
    queryKey: ['drafts', keyPrint(), 'one', name],
    queryFn: () =>
      within('readonly', async (stores): Promise<DraftWithRows | null> => {
        const kept = await named(stores, name)
        if (!kept?.id) return null
        const rows: KeptRow[] = await asked(stores.rows.index('draft').getAll(kept.id))
        const saved = rows.map(({ id = 0, row }) => ({ id, row }))
        return { ...(await counted(stores, kept)), saved }
      }),
    staleTime: Number.POSITIVE_INFINITY,
  })

// -- changing -------------------------------------------------------------------------------------------

async function owned({ drafts, owner }: Stores, id: number): Promise<KeptDraft> {
  const kept: KeptDraft | undefined = await asked(drafts.get(id))
  if (!kept || kept.owner !== owner) throw new DraftFault('gone')
  return kept
}

async function refuseTwins({ rows }: Stores, draft: number, row: DraftRow, except?: number): Promise<void> {
  const alike: KeptRow[] = await asked(rows.index('digest').getAll([draft, digestOf(row)]))
  const text = JSON.stringify(row)
  if (alike.some((one) => one.id !== except && JSON.stringify(one.row) === text))
    throw new DraftFault('twice')
}

export type Saving = { draft: string; ids: number[]; rows: number }

/** Puts rows into the draft of that name, which is made if there is none. */
export const saveRows = (name: string, rows: readonly DraftRow[]): Promise<Saving> =>
  changed(async (stores) => {
    let kept = await named(stores, name)
    if (!kept) {
      const fault = nameFault(name)
      if (fault) throw new DraftFault(`name.${fault}`)
      kept = {
        owner: stores.owner,
        name: name.trim(),
        folded: folded(name),
        kind: null,
        changedMs: 0,
        uploaded: null,
      }
      kept.id = (await asked(stores.drafts.add(kept))) as number
    }
    const draft = kept.id as number
    const before = await asked(stores.rows.index('draft').count(draft))
    const kind = rows[0] ? kindOf(rows[0]) : null
    if (before && kept.kind !== kind) throw new DraftFault('mixed')
    if (before + rows.length > MOST_ROWS) throw new DraftFault('full')
    const ids: number[] = []
    for (const row of rows) {
      await refuseTwins(stores, draft, row)
      const made: KeptRow = { draft, row, digest: digestOf(row), pending: 1 }
      ids.push((await asked(stores.rows.add(made))) as number)
    }
    await asked(stores.drafts.put({ ...kept, kind, changedMs: Date.now() }))
    return { draft: kept.name, ids, rows: before + rows.length }
  })

/** A row's new text, in its old place. */
export const changeRow = (id: number, row: DraftRow): Promise<void> =>
  changed(async (stores) => {
    const before: KeptRow | undefined = await asked(stores.rows.get(id))
    if (!before) throw new DraftFault('gone')
    const kept = await owned(stores, before.draft)
    if (kindOf(row) !== kept.kind) throw new DraftFault('mixed')
    const digest = digestOf(row)
    if (digest === before.digest) return
    await refuseTwins(stores, before.draft, row, id)
    await asked(stores.rows.put({ ...before, row, digest, pending: 1 }))
    await asked(stores.drafts.put({ ...kept, changedMs: Date.now() }))
  })

export const removeRows = (ids: readonly number[]): Promise<Removed> =>
  changed(async (stores) => {
    const found = await Promise.all(ids.map((id) => asked<KeptRow | undefined>(stores.rows.get(id))))
    const rows = found.filter((row) => row !== undefined)
    for (const row of rows) {
      await owned(stores, row.draft)
      await asked(stores.rows.delete(row.id as number))
    }
    return { draft: null, rows }
  })

export const removeDraft = (id: number): Promise<Removed> =>
  changed(async (stores) => {
    const draft = await owned(stores, id)
    const rows: KeptRow[] = await asked(stores.rows.index('draft').getAll(id))
    await Promise.all(rows.map((row) => asked(stores.rows.delete(row.id as number))))
    await asked(stores.drafts.delete(id))
    return { draft, rows }
  })

/** Undoes a removal: everything stands where it stood. */
export const putBack = ({ draft, rows }: Removed): Promise<void> =>
  changed(async (stores) => {
    if (draft) {
      if (await named(stores, draft.name)) throw new DraftFault('name.taken')
      await asked(stores.drafts.add(draft))
    }
    for (const row of rows) {
      const kept = await owned(stores, row.draft)
      const kind = kindOf(row.row)
      const others = await asked(stores.rows.index('draft').count(row.draft))
      if (!draft && others && kept.kind !== kind) throw new DraftFault('mixed')
      await asked(stores.rows.put(row))
      if (kept.kind !== kind) await asked(stores.drafts.put({ ...kept, kind }))
    }
  })

export const renameDraft = (id: number, name: string): Promise<string> =>
  changed(async (stores) => {
    const kept = await owned(stores, id)
    const other = await named(stores, name)
    const fault = nameFault(name, other && other.id !== id ? [other.name] : [])
    if (fault) throw new DraftFault(`name.${fault}`)
    await asked(stores.drafts.put({ ...kept, name: name.trim(), folded: folded(name) }))
    return name.trim()
  })

/** These rows are in a file now; one that was changed meanwhile is not. */
export const markUploaded = (
  id: number,
  sent: readonly SavedRow[],
  file: { id: string; filename: string },
): Promise<void> =>
  changed(async (stores) => {
    const kept = await owned(stores, id)
    for (const { id: rowId, row } of sent) {
      const now: KeptRow | undefined = await asked(stores.rows.get(rowId))
      if (now?.digest === digestOf(row)) await asked(stores.rows.put({ ...now, pending: 0 }))
    }
    const uploaded = { file: file.id, name: file.filename, atMs: Date.now() }
    await asked(stores.drafts.put({ ...kept, uploaded }))
  })
