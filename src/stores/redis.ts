/**
 * Sessions in Redis or Valkey:
 *
 *   <prefix>s:<id>     string   "<version> <expiresAt> <due> <user>\n<body>", with a TTL
 *                               times: 15 digits of unix milliseconds; user: JSON, or - while nobody is signed in
 *   <prefix>u:<user>   zset     ids of the user's sessions, each scored by its `due`, with a TTL
 *
 * `due` is never before `expiresAt`, so that a session in use is filed anew once in an idle timeout and not at every request. What the
 * index names may be over or somebody else's by now: `idsOf` looks at the rows. So no keyspace events are needed, and in a cluster,
 * where a row and an index live on two nodes, the two are written one after the other, the index first.
 */
import type { SessionStore } from '../core/types.ts'
import { unavailable } from './common/errors.ts'
import { plainName, storeOptions, wholeNumber } from './common/options.ts'
import { type RedisClient, wireOf } from './redis/client.ts'
import { unquoted } from './redis/failures.ts'
import { pageOf } from './redis/pages.ts'
import { type WaitReplicas, writerOf } from './redis/replicas.ts'
import { Rows } from './redis/rows.ts'
import { checkServer } from './redis/server.ts'

export type { WaitReplicas } from './redis/replicas.ts'
export type { IoRedisClient, NodeRedisClient, RedisClient } from './redis/client.ts'

export interface RedisStoreOptions {
  /**
   * A client of node-redis (5 or newer; without its `keyPrefix`), ioredis or iovalkey: single, Cluster or Sentinel. It stays yours: connect
   * and close it.
   */
  readonly client: RedisClient
  /** Begins every key. Default `'coatcheck:'`. */
  readonly prefix?: string
  /**
   * To be written when the server may drop sessions to make room (`maxmemory-policy` other than `noeviction`). Then there is no index of
   * users (`list`, `revokeUser`, `maxPerUser`): Redis might drop it and keep the sessions.
   */
  readonly mayEvict?: boolean
  /**
   * Answer a write only when so many replicas have it (`WAIT`). Default: do not ask. What comes behind on the same connection waits too,
   * so keep `timeoutMs` short. Not with ioredis' Cluster.
   */
  readonly waitReplicas?: WaitReplicas
  /**
   * For node-redis, which does not notice a connection that went silent (half-open) while it goes on writing to it: after so long without
   * any answer the client is destroyed and connected again. Default 2,000 ms, 0: never. For ioredis set its own `socketTimeout`.
   */
  readonly silenceMs?: number
}

/** No session's id. Whoever may delete it may read and write, and run scripts. */
const nobody = 'ready'

/**
 * Keeps sessions in Redis (6.2 or newer) or Valkey. A read is one `GET`, a write one script. With node-redis' `clientSideCache` reads are
 * answered from memory until the server says that the session has changed. A write that a client repeats by itself after a reconnect, as
 * ioredis does, is done once.
 *
 * Throws `config_invalid` for options that are wrong, and `ready()` rejects with it for a server that is too old, evicts, or wants a client
 * that knows clusters. Later every failure rejects with `store_unavailable`.
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
  const wire = wireOf(own.client, wholeNumber('redisStore', 'silenceMs', own.silenceMs ?? 2_000, 0, 3_600_000))
  const prefix = plainName('redisStore', 'prefix', own.prefix ?? 'coatcheck:')
  const rows = new Rows(wire, writerOf(wire, own.waitReplicas), prefix, !mayEvict)
  const fail = (error: unknown): never => {
    throw unavailable('redisStore', unquoted(error), wire.closed() ?? undefined)
  }
  return {
    guarantees: { compareAndSwap: true, durable: false, mayEvict, userIndex: !mayEvict },
    get: (id) => rows.find(id).catch(fail),
    put: (row, expected) => rows.put(row, expected).catch(fail),
    delete: (id) => rows.delete(id).catch(fail),
    touch: (id, expiresAt) => rows.touch(id, expiresAt).catch(fail),
    ...(mayEvict ? {} : { idsOf: (user) => rows.idsOf(user).catch(fail) }),
    ready: () =>
      checkServer(wire, mayEvict)
        .then(() => rows.delete(nobody))
        .catch(fail),
    // The nodes of a cluster would have to be walked one by one.
    ...(wire.cluster ? {} : { scan: (cursor, limit) => pageOf(wire, rows.keyOf(''), cursor, limit).catch(fail) }),
  }
}
