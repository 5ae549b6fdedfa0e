/** Reads and writes of rows, each under the update time of a document. */
import type { StoredRow } from '../../core/types.ts'
import type { MarkedRows, Seen } from '../google/marked.ts'
import { status, statusOf } from '../google/status.ts'
import type { FirestoreLike, FirestoreCollection, FirestoreDocument, FirestoreSnapshot, FirestoreTime, FirestoreWritten } from './client.ts'

/** Begins every name, because `__…__` is the server's own and a random id may look like that. */
const prefix = 's-'
/** How the server says that what a write expected is not so. A missing database says the same; the look that follows tells. */
const refusals: ReadonlySet<number | null> = new Set([status.notFound, status.alreadyExists, status.failedPrecondition])

/** The id in a name of ours; `null` for anybody else's. */
export function idOf({ id }: { readonly id: string }): string | null {
  return id.startsWith(prefix) ? id.slice(prefix.length) : null
}

export function nameOf(id: string): string {
  return prefix + id
}

export class Rows implements MarkedRows<FirestoreTime> {
  readonly #client: FirestoreLike
  readonly #collection: FirestoreCollection

  constructor(client: FirestoreLike, collection: FirestoreCollection) {
    this.#client = client
    this.#collection = collection
  }

  async read(ids: readonly string[]): Promise<(Seen<FirestoreTime> | null)[]> {
    if (ids.length === 0) return []
    const snapshots = await this.#client.getAll(...ids.map((id) => this.#document(id)))
    return ids.map((id, n) => seenIn(id, snapshots[n]))
  }

  create(row: StoredRow): Promise<FirestoreTime | null> {
    return timeOf(this.#document(row.id).create(documentOf(row)))
  }

  replace(row: StoredRow, mark: FirestoreTime): Promise<FirestoreTime | null> {
    return timeOf(this.#document(row.id).update(documentOf(row), { lastUpdateTime: mark }))
  }

  prolong({ id, expiresAt }: StoredRow, mark: FirestoreTime): Promise<FirestoreTime | null> {
    return timeOf(this.#document(id).update({ expireAt: new Date(expiresAt) }, { lastUpdateTime: mark }))
  }

  remove(id: string): Promise<unknown> {
    return this.#document(id).delete()
  }

  /** Removes what still is as it was seen; answers how many. */
  async removeSeen(snapshots: readonly FirestoreSnapshot[]): Promise<number> {
    const writer = this.#client.bulkWriter({ throttling: false })
    const deletions = snapshots.map(async ({ id, ref, updateTime }) => {
      if (idOf({ id }) === null || updateTime === undefined) return false
      return writer.delete(ref, { lastUpdateTime: updateTime }).then(() => true, unlessRefused(false))
    })
    const [gone] = await Promise.all([Promise.all(deletions), writer.close()])
    return gone.filter(Boolean).length
  }

  #document(id: string): FirestoreDocument {
    return this.#collection.doc(nameOf(id))
  }
}

function documentOf({ body, user, expiresAt, version }: StoredRow): object {
  return { body, user, version, expireAt: new Date(expiresAt) }
}

/** `null` for what is not there, and for a document that this store did not write. */
function seenIn(id: string, snapshot: FirestoreSnapshot | undefined): Seen<FirestoreTime> | null {
  if (snapshot?.exists !== true || snapshot.updateTime === undefined) return null
  const [body, user, version] = ['body', 'user', 'version'].map((field) => snapshot.get(field))
  const expiresAt = millisOf(snapshot.get('expireAt'))
  if (typeof body !== 'string' || typeof version !== 'string' || expiresAt === null) return null
  if (user !== null && typeof user !== 'string') return null
  return { row: { id, body, user, expiresAt, version }, mark: snapshot.updateTime }
}

function millisOf(value: unknown): number | null {
  const time = value as Partial<FirestoreTime> | null | undefined
  return typeof time?.toMillis === 'function' ? time.toMillis() : null
}

function timeOf(written: Promise<FirestoreWritten>): Promise<FirestoreTime | null> {
  return written.then(({ writeTime }) => writeTime, unlessRefused(null))
}

function unlessRefused<T>(answer: T): (error: unknown) => T {
  return (error) => {
    if (refusals.has(statusOf(error))) return answer
    throw error
  }
}
