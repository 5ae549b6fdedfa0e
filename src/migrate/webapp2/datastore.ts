/**
 * webapp2's `datastore` backend, and Google's store for express-session, which share a kind:
 *
 *   kind Session, key name = sid      { data: blob, the dict pickled, not indexed; updated: timestamp }     webapp2 (NDB)
 *   kind Session, key name = any id   { data: string, JSON; createdAt: timestamp }                          connect-datastore
 *
 * Which one an entity is follows from its properties. Any other set of properties is somebody else's, and stays as it is.
 */
import { CoatcheckError } from '../../core/errors.ts'
import { invalid, ownOptions } from '../../http/options.ts'
import { untilWon, unavailable, type Looked, type SidPage, type Webapp2Backend } from './backend.ts'
import { jsonValues, pickled, pickledValues, type Edit, type StoredValues, type Values } from './record.ts'

/** A transaction of `@google-cloud/datastore`. */
export interface DatastoreTransaction {
  run(): Promise<unknown>
  get(key: unknown): Promise<readonly unknown[]>
  save(entity: unknown): void
  commit(): Promise<unknown>
  rollback(): Promise<unknown>
}

/** The part of `@google-cloud/datastore`'s `Datastore` that is used. */
export interface SessionDatastore {
  key(options: { path: [string, string]; namespace?: string }): unknown
  get(key: unknown): Promise<readonly unknown[]>
  delete(key: unknown): Promise<unknown>
  transaction(): DatastoreTransaction
  /** What a walk of all sessions needs besides. */
  readonly KEY?: symbol
  createQuery?(...kind: string[]): DatastoreQuery
  runQuery?(query: never): Promise<readonly unknown[]>
}

interface DatastoreQuery {
  limit(count: number): unknown
  start(cursor: string): unknown
}

export interface Webapp2DatastoreOptions {
  /** `new Datastore()`; it stays yours. */
  readonly datastore: SessionDatastore
  /** Default: the default namespace, as in webapp2. */
  readonly namespace?: string
  /**
   * The memcache that the Python application asks before the Datastore. After every write here its copy is deleted, or webapp2
   * would go on answering the old one for as long as memcache keeps it.
   */
  readonly memcache?: { delete(key: string): Promise<unknown> }
}

const kind = 'Session'
/** gRPC's ABORTED: somebody else's transaction won. */
const aborted = 10

/**
 * webapp2's `datastore` backend: the NDB entities of its kind `Session`, and those that Google's store for express-session keeps there.
 * Each update is a transaction. Throws `config_invalid`.
 *
 * @example
 * ```ts
 * import { Datastore } from '@google-cloud/datastore'
 * import { webapp2Datastore, webapp2Sessions } from 'coatcheck/migrate/webapp2'
 * const backend = webapp2Datastore({ datastore: new Datastore({ projectId: 'shop' }) })
 * const sessions = webapp2Sessions({ secretKey: 'my-super-secret-key', name: 'session', backend })
 * console.log(await sessions.read('session=junk')) // null, and nothing was asked of the Datastore
 * ```
 */
export function webapp2Datastore(options: Webapp2DatastoreOptions): Webapp2Backend {
  const own = ownOptions('webapp2Datastore', options, ['datastore', 'namespace', 'memcache'])
  if ((['key', 'get', 'delete', 'transaction'] as const).some((name) => typeof own.datastore?.[name] !== 'function'))
    throw invalid('webapp2Datastore needs a datastore; write new Datastore() of @google-cloud/datastore')
  return new Entities(own)
}

/** What to answer, and what to write before. */
interface Work<T> {
  readonly answer: T
  readonly write?: Uint8Array | string
}

class Entities implements Webapp2Backend {
  readonly #options: Webapp2DatastoreOptions

  constructor(options: Webapp2DatastoreOptions) {
    this.#options = options
  }

  async read(sid: string, nowMs: number): Promise<Looked> {
    const [entity] = await this.#options.datastore.get(this.#keyOf(sid)).catch(refuse)
    const stored = storedIn(entity, nowMs)
    return stored === null || typeof stored === 'string' ? stored : stored.values
  }

  update(sid: string, edit: Edit, nowMs: number): Promise<Looked> {
    return this.#inTransaction<Looked>(sid, nowMs, (entity) => {
      const stored = storedIn(entity, nowMs)
      if (stored === null || typeof stored === 'string') return { answer: stored }
      const edited = stored.edited(edit)
      return edited === null ? { answer: stored.values } : { answer: edited.values, write: edited.form }
    })
  }

  create(sid: string, values: Readonly<Values>, nowMs: number): Promise<boolean> {
    const write = pickledValues(values)
    return this.#inTransaction<boolean>(sid, nowMs, (entity) => (entity === undefined ? { answer: true, write } : { answer: false }))
  }

  async delete(sid: string): Promise<void> {
    await this.#options.datastore.delete(this.#keyOf(sid)).catch(refuse)
    await this.#options.memcache?.delete(sid).catch(refuse)
  }

  /** In the order of their key names. Their values come along, but are read again when it is their turn. */
  async page(from: string | null, limit: number): Promise<SidPage> {
    const { datastore, namespace } = this.#options
    if (datastore.createQuery === undefined || datastore.runQuery === undefined || datastore.KEY === undefined)
      throw new CoatcheckError(
        'unsupported',
        'this client of the Datastore has no queries; pass new Datastore() of @google-cloud/datastore',
      )
    const query = namespace === undefined ? datastore.createQuery(kind) : datastore.createQuery(namespace, kind)
    query.limit(limit)
    if (from !== null) query.start(from)
    const [entities, info] = await datastore.runQuery(query as never).catch(refuse)
    const { moreResults, endCursor = null } = (info ?? {}) as { moreResults?: unknown; endCursor?: string | null }
    const key = datastore.KEY
    const found = (entities as readonly Record<PropertyKey, unknown>[]).map((entity) => {
      const { name } = (entity[key] ?? {}) as { name?: unknown }
      const { updated } = entity
      return { sid: typeof name === 'string' ? name : '', writtenAt: updated instanceof Date ? updated.getTime() : null }
    })
    return { found, cursor: moreResults === 'NO_MORE_RESULTS' || found.length < limit ? null : endCursor }
  }

  #keyOf(sid: string): unknown {
    const { datastore, namespace } = this.#options
    return datastore.key({ path: [kind, sid], ...(namespace === undefined ? {} : { namespace }) })
  }

  #inTransaction<T>(sid: string, nowMs: number, work: (entity: unknown) => Work<T>): Promise<T> {
    return untilWon(() => this.#tryTransaction(sid, nowMs, work))
  }

  async #tryTransaction<T>(sid: string, nowMs: number, work: (entity: unknown) => Work<T>): Promise<T | 'lost'> {
    const { datastore, memcache } = this.#options
    const transaction = datastore.transaction()
    const key = this.#keyOf(sid)
    try {
      await transaction.run()
      const [entity] = await transaction.get(key)
      const { answer, write } = work(entity)
      if (write === undefined) {
        await transaction.rollback()
        return answer
      }
      transaction.save({ key, data: entityOf(write, nowMs), excludeFromIndexes: ['data'] })
      await transaction.commit()
      await memcache?.delete(sid)
      return answer
    } catch (error) {
      await transaction.rollback().catch(() => null)
      if ((error as { code?: unknown } | null)?.code === aborted) return 'lost'
      return refuse(error)
    }
  }
}

function refuse(error: unknown): never {
  throw unavailable('the Datastore', error)
}

/** The client takes bytes as a Buffer only. */
function entityOf(form: Uint8Array | string, nowMs: number): object {
  const at = new Date(nowMs)
  if (typeof form === 'string') return { data: form, createdAt: at }
  return { data: Buffer.from(form.buffer, form.byteOffset, form.byteLength), updated: at }
}

function storedIn(entity: unknown, nowMs: number): StoredValues<Uint8Array | string> | Extract<Looked, string> | null {
  if (typeof entity !== 'object' || entity === null) return null
  const { data } = entity as { data?: unknown }
  const names = Object.keys(entity).toSorted().join()
  if (names === 'data,updated' && data instanceof Uint8Array) return pickled(data)
  if (names === 'createdAt,data' && typeof data === 'string') return jsonValues(data, nowMs)
  return 'unsupported'
}
