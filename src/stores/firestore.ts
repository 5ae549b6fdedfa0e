/**
 * Sessions in Firestore (Native mode), one document each:
 *
 *   name       "s-<id>", in the collection "coatcheck_session"
 *   body       text
 *   version    "process-count", new at every put and left alone by a touch, and the 15 before it
 *   user       text, or null while nobody is signed in
 *   expireAt   timestamp, exact to the millisecond; for Google's TTL policy and for the sweep
 *
 * A creation is a `create`. Every other write is an `update` under `lastUpdateTime`, the update time of the document as it was seen
 * (google/marked.ts): one call after a read, and two more when somebody touched the row in between. Update times never repeat for a
 * document, but a touch moves them too, so they cannot be the version.
 */
import type { SessionStore } from '../core/types.ts'
import { invalid, plainName, storeOptions } from './common/options.ts'
import type { FirestoreLike } from './firestore/client.ts'
import { idOf, nameOf, Rows } from './firestore/rows.ts'
import { checkedPolicy, googleStore, nameShape } from './google/store.ts'

export type { FirestoreLike } from './firestore/client.ts'

export interface FirestoreStoreOptions {
  /** `new Firestore()` of `@google-cloud/firestore` 7 or newer, or `getFirestore()` of firebase-admin. It stays yours. */
  readonly client: FirestoreLike
  /** Collection of the documents. Default `'coatcheck_session'`. */
  readonly collection?: string
  /** Google's TTL policy on `expireAt` is on: do not sweep. Default `false`. */
  readonly ttlPolicy?: boolean
}

/** Documents dropped at once. */
const sweepMax = 500

/**
 * Keeps sessions in Firestore, Native mode. A read is one call, a write after it one more; the client itself repeats calls that got
 * no answer, which is safe because a row says which ones it has replaced.
 *
 * Firestore indexes every field unless told otherwise, and an index of bodies is paid for at each write:
 * `gcloud firestore indexes fields update body --collection-group=coatcheck_session --disable-indexes`, and `version` likewise.
 * Expired sessions are swept. Or let Google delete them, within a day of their end, a must above 500 writes a second, all that an index of
 * times takes (https://cloud.google.com/firestore/docs/best-practices):
 * `gcloud firestore fields ttls update expireAt --collection-group=coatcheck_session --enable-ttl`, the index of `expireAt` disabled as
 * above, and `ttlPolicy: true`.
 *
 * `terminate()` it only when no request is under way: what it then still tries again ends the process by an unhandled rejection of its own.
 * To notice a connection that went silent give the client `'grpc.keepalive_time_ms': 30_000, 'grpc.keepalive_timeout_ms': 5_000`.
 *
 * Throws `config_invalid`; `ready()` rejects with it for credentials, a project or a database that will not do. Later every failure
 * rejects with `store_unavailable`. `put` rejects with `session_too_large` over 1,048,000 bytes, and with `value_invalid` for a user
 * over 1,499 bytes.
 *
 * @example
 * ```ts
 * import { Firestore } from '@google-cloud/firestore'
 * import { createSessions } from 'coatcheck'
 * import { firestoreStore } from 'coatcheck/firestore'
 *
 * // It connects at the first request.
 * const client = new Firestore({ projectId: 'shop' })
 * const sessions = createSessions({ secret: crypto.randomUUID(), store: firestoreStore({ client }) })
 * await sessions.close()
 * await client.terminate()
 * ```
 */
export function firestoreStore(options: FirestoreStoreOptions): SessionStore {
  const own = storeOptions('firestoreStore', options, ['client', 'collection', 'ttlPolicy'])
  const { ttlPolicy = false } = own
  const client = checkedClient(own.client)
  const name = plainName('firestoreStore', 'collection', own.collection ?? 'coatcheck_session', nameShape)
  checkedPolicy('firestoreStore', ttlPolicy)
  const collection = client.collection(name)
  const rows = new Rows(client, collection)

  async function idsOf(user: string): Promise<string[]> {
    const { docs } = await collection.where('user', '==', user).select().get()
    return idsIn(docs)
  }

  async function scan(cursor: string | null, limit: number): Promise<{ ids: string[]; cursor: string | null }> {
    const page = collection.orderBy('__name__').startAfter(nameOf(cursor ?? ''))
    const { docs } = await page.limit(limit).select().get()
    const ids = idsIn(docs)
    // Names are in order, so what is not ours comes after all that is.
    return { ids, cursor: ids.length < limit ? null : (ids.at(-1) ?? null) }
  }

  async function sweep(now: number, limit: number): Promise<number> {
    const expired = collection.where('expireAt', '<', new Date(now)).limit(Math.min(limit, sweepMax))
    const { docs } = await expired.select().get()
    return rows.removeSeen(docs)
  }

  return googleStore('firestoreStore', rows, { idsOf, scan, sweep }, ttlPolicy)
}

function idsIn(documents: readonly { readonly id: string }[]): string[] {
  return documents.map(idOf).filter((id) => id !== null)
}

function checkedClient(client: FirestoreLike): FirestoreLike {
  const methods = ['collection', 'getAll', 'bulkWriter'] as const
  if (typeof client === 'object' && client !== null && methods.every((method) => typeof client[method] === 'function')) return client
  throw invalid('firestoreStore needs a client of @google-cloud/firestore; write firestoreStore({ client: new Firestore() })')
}
