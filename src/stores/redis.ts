/**
 * Sessions in Redis or Valkey:
 *
 *   <prefix>s:<id>     string   "<version> <expiresAt> <due> <user>\n<body>", with a TTL
 *                               times: 15 digits of unix milliseconds; user: JSON, or - while nobody is signed in
 *   <prefix>u:<user>   zset     ids of the user's sessions, each scored by its `due`, with a TTL
 *
 * `due` is never before `expiresAt`, so that a session in use is filed anew once in an idle timeout and not at every request. What the
 * index names may be over or somebody else's by now: `idsOf` looks at the rows. So no keyspace events are needed, and in a cluster,
 * where a row and an index live on two nodes, the two may be written one after the other.
 */
import type { Row, SessionStore, StoredRow } from '../core/types.ts'
import { unavailable } from './common/errors.ts'
import { plainName, storeOptions, wholeNumber } from './common/options.ts'
import { versionMint } from './common/versions.ts'
import { type RedisClient, wireOf } from './redis/client.ts'
import { pageOf } from './redis/pages.ts'
import { digits, ownerOf, recordOf, rowOf, userOf, userText } from './redis/record.ts'
import { type WaitReplicas, writerOf } from './redis/replicas.ts'
import { checkServer } from './redis/server.ts'
import * as scripts from './redis/scripts.ts'

export type { WaitReplicas } from './redis/replicas.ts'
export type { IoRedisClient, NodeRedisClient, RedisClient } from './redis/client.ts'

export interface RedisStoreOptions {
  /** A client of node-redis (5 or newer), ioredis or iovalkey: single, Cluster or Sentinel. It stays yours: connect and close it. */
  readonly client: RedisClient
  /** Begins every key. Default `'coatcheck:'`. */
  readonly prefix?: string
  /** To be written when the server may drop sessions to make room (`maxmemory-policy` other than `noeviction`). */
  readonly mayEvict?: boolean
  /** Answer a write only when so many replicas have it (`WAIT`). Default: do not ask. Not with ioredis' Cluster. */
  readonly waitReplicas?: WaitReplicas
  /**
   * For node-redis, which does not notice a connection that went silent (half-open) while it goes on writing to it: after so long without
   * any answer the client is destroyed and connected again. Default 0: never. For ioredis set its own `socketTimeout`.
   */
  readonly silenceMs?: number
}

/**
 * Keeps sessions in Redis (6.2 or newer) or Valkey. A read is one `GET`, a write one script. With node-redis' `clientSideCache` reads are
 * answered from memory until the server says that the session has changed.
 *
 * Throws `config_invalid` for options that are wrong, and `ready()` rejects with it for a server that is too old or evicts. Later every failure
 * rejects with `store_unavailable`.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { redisStore } from 'coatcheck/redis'
 * import { createClient } from 'redis'
 *
 * const client = createClient({ url: process.env['REDIS_URL'] ?? 'redis://localhost', socket: { reconnectStrategy: false } })
 * const sessions = createSessions({ secret: crypto.randomUUID(), store: redisStore({ client, prefix: 'shop:' }) })
 * const started = client.connect().then(() => sessions.ready())
 * await started.catch((error: Error) => console.log(`Redis is not there: ${error.message}`))
 * client.destroy()
 * ```
 */
export function redisStore(options: RedisStoreOptions): SessionStore {
  const own = storeOptions('redisStore', options, ['client', 'prefix', 'mayEvict', 'waitReplicas', 'silenceMs'])
  const { mayEvict = false } = own
  const wire = wireOf(own.client, wholeNumber('redisStore', 'silenceMs', own.silenceMs ?? 0, 0, 3_600_000))
  const write = writerOf(wire, own.waitReplicas)
  const prefix = plainName('redisStore', 'prefix', own.prefix ?? 'coatcheck:')
  const mint = versionMint()
  const rowKey = (id: string): string => `${prefix}s:${id}`
  const indexKey = (user: string): string => `${prefix}u:${user}`

  async function put(row: Row, expected: string | null): Promise<string | null> {
    const { left, due, now } = timesOf(row.expiresAt)
    const [key, version] = [rowKey(row.id), mint()]
    const args = [expected ?? '', recordOf(row, version, due), `${left}`, row.id, `${due}`, `${now}`]
    const index = row.user === null ? null : indexKey(row.user)
    const keys: [string, ...string[]] = index === null || wire.cluster ? [key] : [key, index]
    const writing = write(key, () => scripts.run(wire, scripts.put, keys, args))
    // One of two that fails fails the put, so whoever is told that it is written is in the index too.
    const filing = index !== null && wire.cluster ? file(index, row.id, due, now) : null
    const [written] = await Promise.all([writing, filing])
    return written === 1 ? version : null
  }

  function file(index: string, id: string, due: number, now: number): Promise<unknown> {
    return scripts.run(wire, scripts.index, [index], [id, `${due}`, `${now}`])
  }

  async function get(id: string): Promise<StoredRow | null> {
    const record = await wire.get(rowKey(id)).catch(notText)
    return record === null || record === undefined ? null : (rowOf(id, String(record)) ?? { ...foreign, id })
  }

  async function remove(id: string): Promise<void> {
    const key = rowKey(id)
    const user = userOf(await write(key, () => scripts.run(wire, scripts.remove, [key], [])))
    if (user !== null) await wire.send(indexKey(user), ['ZREM', indexKey(user), id])
  }

  async function touch(id: string, expiresAt: number): Promise<boolean> {
    const { left, due, now } = timesOf(expiresAt)
    const key = rowKey(id)
    const answer = await write(key, () => scripts.run(wire, scripts.touch, [key], [digits(expiresAt), `${left}`, digits(due)]))
    const user = userOf(answer)
    if (user !== null) await file(indexKey(user), id, due, now)
    return answer !== 0
  }

  async function idsOf(user: string): Promise<string[]> {
    const key = indexKey(user)
    const ids = (await wire.send(key, ['ZRANGE', key, '0', '-1'])) as string[]
    const end = `${64 + Buffer.byteLength(userText(user))}`
    const beginnings = await Promise.all(ids.map((id) => wire.send(rowKey(id), ['GETRANGE', rowKey(id), '0', end])))
    return ids.filter((_, i) => ownerOf(String(beginnings[i])) === user)
  }

  const fail = (error: unknown): never => {
    throw unavailable('redisStore', error, wire.closed() ?? undefined)
  }
  return {
    guarantees: { compareAndSwap: true, durable: false, mayEvict, userIndex: true },
    get: (id) => get(id).catch(fail),
    put: (row, expected) => put(row, expected).catch(fail),
    delete: (id) => remove(id).catch(fail),
    touch: (id, expiresAt) => touch(id, expiresAt).catch(fail),
    idsOf: (user) => idsOf(user).catch(fail),
    ready: () => checkServer(wire, mayEvict).catch(fail),
    // The nodes of a cluster would have to be walked one by one.
    ...(wire.cluster ? {} : { scan: (cursor, limit) => pageOf(wire, rowKey(''), cursor, limit).catch(fail) }),
  }
}

/** Somebody else's bytes under our key, as a row that the engine refuses. */
const foreign = { body: '?', user: null, expiresAt: 0, version: '' }

function notText(error: unknown): string {
  if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return '?'
  throw error
}

/** By this machine's clock only: how long the row has, and until when it may stay in the index without being filed anew. */
function timesOf(expiresAt: number): { readonly left: number; readonly due: number; readonly now: number } {
  const now = Date.now()
  const left = Math.max(1, Math.ceil(expiresAt - now))
  return { left, due: expiresAt + left, now }
}
