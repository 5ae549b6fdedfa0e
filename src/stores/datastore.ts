/**
 * Sessions in Datastore (Firestore in Datastore mode), one entity each:
 *
 *   key        kind "coatcheck_session", name "s-<id>", in the namespace
 *   body       text, not indexed
 *   version    "process-count", new at every put and left alone by a touch, and the 15 before it; not indexed
 *   user       text, indexed; left out while nobody is signed in
 *   expireAt   timestamp, exact to the millisecond; for Google's TTL policy, and indexed for the sweep unless that policy is on
 *
 * A creation is an `insert`. Every other write is an `update` under `baseVersion`, the server's version of the entity as it was seen
 * (google/marked.ts): one call after a read, and two more when somebody touched the row in between. `FAIL` makes a conflict an error;
 * without it a commit that wrote nothing answers like one that did, but for a flag, and the emulator of Datastore mode even writes.
 * An update names every property: older clients drop a `propertyMask` silently, and would empty the rest.
 */
import type { SessionStore } from '../core/types.ts'
import { plainName, storeOptions } from './common/options.ts'
import { callsOf, type DatastoreApi, type DatastoreLike } from './datastore/calls.ts'
import { type EntityResult, idOf } from './datastore/entities.ts'
import { expiredBefore, Kind, ofUser } from './datastore/queries.ts'
import { Rows } from './datastore/rows.ts'
import { checkedPolicy, googleStore, nameShape } from './google/store.ts'

export type { DatastoreApi, DatastoreLike } from './datastore/calls.ts'

export interface DatastoreStoreOptions {
  /** `new Datastore()` of `@google-cloud/datastore` 10 or newer, or its `new v1.DatastoreClient()`. It stays yours. */
  readonly client: DatastoreLike | DatastoreApi
  /** Kind of the entities. Default `'coatcheck_session'`. */
  readonly kind?: string
  /** Default: the client's. */
  readonly namespace?: string
  /** Google's TTL policy on `expireAt` is on: do not index the expiry, do not sweep. Default `false`. */
  readonly ttlPolicy?: boolean
}

/** Entities in one commit. */
const sweepMax = 500

/**
 * Keeps sessions in Datastore, as Firestore in Datastore mode. A read is one call, a write after it one more. Queries by user miss
 * nothing; a database that was not yet moved to Firestore cannot promise that, and `ready()` refuses it.
 *
 * Expired sessions are swept. Or let Google delete them, within a day of their end, which spares an index and is a must above 500 writes a
 * second, all that an index of times takes (https://cloud.google.com/datastore/docs/best-practices):
 * `gcloud firestore fields ttls update expireAt --collection-group=coatcheck_session --enable-ttl`, and `ttlPolicy: true`.
 *
 * To notice a connection that went silent give the client `'grpc.keepalive_time_ms': 30_000, 'grpc.keepalive_timeout_ms': 5_000`.
 *
 * Throws `config_invalid`; `ready()` rejects with it for credentials, a project or a database that will not do. Later every failure
 * rejects with `store_unavailable`. `put` rejects with `session_too_large` over 1,048,000 bytes, and with `value_invalid` for a user
 * over 1,499 bytes.
 *
 * @example
 * ```ts
 * import { Datastore } from '@google-cloud/datastore'
 * import { createSessions } from 'coatcheck'
 * import { datastoreStore } from 'coatcheck/datastore'
 *
 * // It connects at the first request.
 * const client = new Datastore({ projectId: 'shop' })
 * const sessions = createSessions({ secret: crypto.randomUUID(), store: datastoreStore({ client }) })
 * await sessions.close()
 * ```
 */
export function datastoreStore(options: DatastoreStoreOptions): SessionStore {
  const own = storeOptions('datastoreStore', options, ['client', 'kind', 'namespace', 'ttlPolicy'])
  const { client, ttlPolicy = false } = own
  const call = callsOf(client)
  const kind = plainName('datastoreStore', 'kind', own.kind ?? 'coatcheck_session', nameShape)
  const ofClient = 'namespace' in client ? client.namespace : undefined
  const namespace = plainName('datastoreStore', 'namespace', own.namespace ?? ofClient ?? '', /^(?!__)[A-Za-z0-9._-]{0,100}$/)
  const rows = new Rows(call, kind, namespace, !checkedPolicy('datastoreStore', ttlPolicy))
  const entities = new Kind(call, kind, namespace)

  async function idsOf(user: string): Promise<string[]> {
    return idsIn(await entities.all({ filter: ofUser(user), limit: null, properties: [] }))
  }

  async function scan(cursor: string | null, limit: number): Promise<{ ids: string[]; cursor: string | null }> {
    const page = await entities.page({ limit, properties: [] }, cursor)
    return { ids: idsIn(page.results), cursor: page.cursor }
  }

  async function sweep(now: number, limit: number): Promise<number> {
    const question = { filter: expiredBefore(now), limit: Math.min(limit, sweepMax), properties: ['expireAt'] }
    const { results } = await entities.page(question, null)
    return rows.removeExpired(results, now)
  }

  return googleStore('datastoreStore', rows, { idsOf, scan, sweep }, ttlPolicy)
}

function idsIn(results: readonly EntityResult[]): string[] {
  return results.map(idOf).filter((id) => id !== null)
}
