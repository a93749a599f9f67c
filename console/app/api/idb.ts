/** IndexedDB as promises. Only requests of the same transaction may be awaited while it is open. */

export const asked = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((done, fail) => {
    request.onsuccess = () => done(request.result)
    request.onerror = () => fail(request.error)
  })

/** Once all of it is on the disk, or none. */
export const committed = (transaction: IDBTransaction): Promise<void> =>
  new Promise((done, fail) => {
    transaction.oncomplete = () => done()
    transaction.onabort = () => fail(transaction.error)
  })

export function opened(
  name: string,
  version: number,
  make: (database: IDBDatabase) => void,
): Promise<IDBDatabase> {
  return new Promise((done, fail) => {
    const request = indexedDB.open(name, version)
    request.onupgradeneeded = () => make(request.result)
    request.onerror = () => fail(request.error)
    request.onsuccess = () => {
      // a newer console in another tab wants to change it
      request.result.onversionchange = () => request.result.close()
      done(request.result)
    }
  })
}
