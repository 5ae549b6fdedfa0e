/**
 * Sessions in a MongoDB collection, one document each:
 *
 *   _id         the session's id
 *   body        text
 *   user        absent while nobody is signed in; indexed, sparse
 *   expiresAt   a date, to the millisecond; indexed, and MongoDB drops what is over by an hour
 *   version     'process-count', new at every put
 */
import type { Row, SessionStore, StoredRow } from '../core/types.ts'
import { tooLarge, unavailable } from './common/errors.ts'
import { foreignRow } from './common/filed.ts'
import { storeOptions } from './common/options.ts'
import { versionMint } from './common/versions.ts'
import {
  adviceFor,
  checkCollection,
  checkIndexes,
  createIndexes,
  isTaken,
  type MongodbCollection,
  reading,
  reviver,
  writing,
} from './mongodb/collection.ts'

export type { MongodbCollection } from './mongodb/collection.ts'

export interface MongodbStoreOptions {
  /**
   * A collection of the official driver (tested with mongodb 7) for sessions alone. Its client stays yours: close it last. Give the client
   * a `connectTimeoutMS` and a `socketTimeoutMS` of a few seconds: by itself it waits 30 s for a connection, and for ever for an answer.
   */
  readonly collection: MongodbCollection
}

const idOnly = { ...reading, projection: { _id: 1 } } as const
/** https://www.mongodb.com/docs/manual/reference/limits/ */
const documentBytesMax = 16_777_216
/** More than all fields but the body and the user take. */
const aroundBytes = 512

/**
 * Keeps sessions in MongoDB. A read is one `find`, a write one `replaceOne`, sliding one `updateOne`; all on the primary. `migrate()`
 * creates the two indexes: for a deployment, not for every start.
 *
 * **This store was never run against a real MongoDB**: none could be had where coatcheck is made. Its tests run the official driver against
 * a small double that speaks MongoDB's wire protocol (test/support/mongo-double.ts). Try it before you rely on it.
 *
 * Where the collection is sharded, shard it by `_id`. Throws `config_invalid` for options that are wrong, and `ready()` rejects with it for
 * a collection without the indexes. `put` rejects with `session_too_large` over 16 MB; every other failure rejects with `store_unavailable`.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { mongodbStore } from 'coatcheck/mongodb'
 * import { MongoClient } from 'mongodb'
 *
 * const client = new MongoClient(process.env['MONGODB_URL'] ?? 'mongodb://localhost', { serverSelectionTimeoutMS: 1_000 })
 * const store = mongodbStore({ collection: client.db('shop').collection('sessions') })
 * const sessions = createSessions({ secret: crypto.randomUUID(), store })
 * await sessions.ready().catch((error: Error) => console.log(`MongoDB is not there: ${error.message}`))
 * await client.close()
 * ```
 */
export function mongodbStore(options: MongodbStoreOptions): SessionStore & { migrate(): Promise<void> } {
  const collection = checkCollection(storeOptions('mongodbStore', options, ['collection']).collection)
  const mint = versionMint()

  async function put(row: Row, expected: string | null): Promise<string | null> {
    const bytes = Buffer.byteLength(row.body) + Buffer.byteLength(row.user ?? '') + aroundBytes
    if (bytes > documentBytesMax) throw tooLarge('mongodbStore', bytes, documentBytesMax)
    const version = mint()
    const fields = fieldsOf(row, version)
    if (expected === null) return (await isInserted(collection.insertOne({ _id: row.id, ...fields }, writing))) ? version : null
    const { matchedCount } = await collection.replaceOne({ _id: row.id, version: expected }, fields, writing)
    return matchedCount === 1 ? version : null
  }

  async function getMany(ids: readonly string[]): Promise<(StoredRow | null)[]> {
    const documents = await collection.find({ _id: { $in: [...new Set(ids)] } }, reading).toArray()
    const byId = new Map(documents.map((document) => [idOf(document), document]))
    return ids.map((id) => rowOf(id, byId.get(id)))
  }

  async function touch(id: string, expiresAt: number): Promise<boolean> {
    const { matchedCount } = await collection.updateOne({ _id: id }, { $max: { expiresAt: new Date(expiresAt) } }, writing)
    return matchedCount === 1
  }

  async function scan(cursor: string | null, limit: number): Promise<{ ids: string[]; cursor: string | null }> {
    const documents = await collection.find({ _id: { $gt: cursor ?? '' } }, { ...idOnly, sort: { _id: 1 }, limit }).toArray()
    const ids = documents.map(idOf)
    return { ids, cursor: ids.length < limit ? null : (ids.at(-1) ?? null) }
  }

  const revive = reviver(collection)
  const fail = (error: unknown): never => {
    revive(error)
    throw unavailable('mongodbStore', error, adviceFor(error))
  }
  return {
    guarantees: { compareAndSwap: true, durable: true, mayEvict: false, userIndex: true },
    get: (id) => collection.findOne({ _id: id }, reading).then((document) => rowOf(id, document ?? undefined), fail),
    getMany: (ids) => getMany(ids).catch(fail),
    put: (row, expected) => put(row, expected).catch(fail),
    delete: (id) => collection.deleteOne({ _id: id }, writing).then(() => {}, fail),
    touch: (id, expiresAt) => touch(id, expiresAt).catch(fail),
    idsOf: (user) =>
      collection
        .find({ user }, idOnly)
        .toArray()
        .then((documents) => documents.map(idOf), fail),
    scan: (cursor, limit) => scan(cursor, limit).catch(fail),
    ready: () => checkIndexes(collection).catch(fail),
    migrate: () => createIndexes(collection).catch(fail),
  }
}

async function isInserted(insertion: Promise<unknown>): Promise<boolean> {
  try {
    await insertion
    return true
  } catch (error) {
    if (isTaken(error)) return false
    throw error
  }
}

function fieldsOf({ body, user, expiresAt }: Row, version: string): object {
  return { body, ...(user === null ? {} : { user }), expiresAt: new Date(expiresAt), version }
}

function rowOf(id: string, document: object | undefined): StoredRow | null {
  if (document === undefined) return null
  const { body, user = null, expiresAt, version } = document as Readonly<Record<string, unknown>>
  if (typeof body !== 'string' || typeof version !== 'string' || !(expiresAt instanceof Date)) return foreignRow(id)
  if (user !== null && typeof user !== 'string') return foreignRow(id)
  return { id, body, user, expiresAt: expiresAt.getTime(), version }
}

function idOf(document: object): string {
  return String((document as Readonly<Record<string, unknown>>)['_id'])
}
