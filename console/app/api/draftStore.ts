/**
 * Where drafts are kept: this browser's IndexedDB, each draft for one key of one server, so that another person
 * with another key does not see it. A change is whole or not at all, and all tabs are told of it.
 */
import { type DraftRow, fingerprint, type Kind, type NameFault } from '@/lib/drafts'
import { committed, opened } from './idb'
import { currentKey } from './key'

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

export type Stores = { drafts: IDBObjectStore; rows: IDBObjectStore }

/** Runs `work` in one transaction: all of it happens, or nothing. */
export async function within<T>(mode: IDBTransactionMode, work: (stores: Stores) => Promise<T>): Promise<T> {
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

/** Whose drafts: this tab’s key’s, which itself is not kept. */
export const owner = (): string => fingerprint(currentKey() ?? '')
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
