/**
 * Where drafts are kept: this browser's IndexedDB, each draft for one project of one server, so that it outlives the
 * key it was made with, and a person of another project does not see it. A change is whole or not at all, and all tabs are told of it.
 */
import { type DraftRow, freeName, type Kind, type NameFault } from '@/lib/drafts'
import { fingerprint } from '@/lib/fingerprint'
import { currentProject } from './client'
import { asked, committed, opened } from './idb'
import { keyPrint } from './key'

export type KeptDraft = {
  id?: number
  owner: string
  name: string
  /** The name as it is compared. */
  folded: string
  /** Null until it has its first row. */
  kind: Kind | null
  changedMs: number
  /** The newest file that was made of it. */
  uploaded: { file: string; name: string; atMs: number } | null
}
export type KeptRow = {
  id?: number
  draft: number
  row: DraftRow
  digest: string
  /** 1 while no file has it. */
  pending: 0 | 1
}
export type DraftFaultCode = 'mixed' | 'twice' | 'full' | 'gone' | 'storage' | `name.${NameFault}`
export class DraftFault extends Error {
  constructor(readonly code: DraftFaultCode) {
    super(code)
    this.name = 'DraftFault'
  }
}

// -- the store ------------------------------------------------------------------------------------------

let database: Promise<IDBDatabase> | null = null

function open(): Promise<IDBDatabase> {
  database ??= opened('tunesmith.drafts', 1, (made) => {
    const drafts = made.createObjectStore('drafts', { keyPath: 'id', autoIncrement: true })
    drafts.createIndex('owner', 'owner')
    drafts.createIndex('named', ['owner', 'folded'], { unique: true })
    const rows = made.createObjectStore('rows', { keyPath: 'id', autoIncrement: true })
    rows.createIndex('draft', 'draft')
    rows.createIndex('pending', ['draft', 'pending'])
    rows.createIndex('digest', ['draft', 'digest'])
  }).then((made) => {
    made.onclose = () => {
      database = null
    }
    return made
  })
  database.catch(() => {
    database = null // private windows refuse it; a later try may do
  })
  return database
}

/** With whose drafts are meant: nobody else's may be read or changed. */
export type Stores = { owner: string; drafts: IDBObjectStore; rows: IDBObjectStore }

/** Runs `work` in one transaction: all of it happens, or nothing. */
export async function within<T>(mode: IDBTransactionMode, work: (stores: Stores) => Promise<T>): Promise<T> {
  const owner = await currentOwner()
  return inOne(mode, owner, work)
}

async function inOne<T>(
  mode: IDBTransactionMode,
  owner: string,
  work: (stores: Stores) => Promise<T>,
): Promise<T> {
  let transaction: IDBTransaction
  try {
    transaction = (await open()).transaction(['drafts', 'rows'], mode)
  } catch {
    database = null
    throw new DraftFault('storage')
  }
  const end = committed(transaction)
  end.catch(() => undefined)
  try {
    const result = await work({
      owner,
      drafts: transaction.objectStore('drafts'),
      rows: transaction.objectStore('rows'),
    })
    await end
    return result
  } catch (error) {
    try {
      transaction.abort()
    } catch {
      // it has aborted by itself: the disk or the browser's quota is full
    }
    throw error instanceof DraftFault ? error : new DraftFault('storage')
  }
}

// -- whose they are -------------------------------------------------------------------------------------

/** The keys whose older drafts have been looked for. */
const asProject = new Set<string>()

/** The project of this tab's key; the key's own print where the server names no project. */
async function currentOwner(): Promise<string> {
  const print = keyPrint()
  const project = await currentProject()
  if (project === null) return print
  if (!asProject.has(print)) {
    await inOne('readwrite', project, (stores) => adopt(stores, print))
    asProject.add(print)
  }
  return project
}

/** Drafts were a key's once: its project takes them over, under names that are free there. */
async function adopt({ drafts, owner }: Stores, print: string): Promise<void> {
  const older: KeptDraft[] = await asked(drafts.index('owner').getAll(print))
  if (!older.length) return
  const own: KeptDraft[] = await asked(drafts.index('owner').getAll(owner))
  const taken = own.map((draft) => draft.name)
  for (const draft of older) {
    const name = freeName(draft.name, taken)
    taken.push(name)
    await asked(drafts.put({ ...draft, owner, name, folded: folded(name) }))
  }
}

export const folded = (name: string): string => name.trim().toLowerCase()
export const digestOf = (row: DraftRow): string => fingerprint(JSON.stringify(row))

// -- who is told ----------------------------------------------------------------------------------------

const channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('tunesmith.drafts')
const listeners = new Set<() => void>()
const tell = () => {
  for (const listener of listeners) listener()
}
channel?.addEventListener('message', tell)

export function onDraftsChange(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export async function changed<T>(work: (stores: Stores) => Promise<T>): Promise<T> {
  const result = await within('readwrite', work)
  tell()
  channel?.postMessage('changed')
  return result
}
