/**
 * Sessions in etcd:
 *
 *   <prefix>s/<id>         { "user": …, "expiresAt": … } in a line of JSON, then the body
 *   <prefix>u/<tag>/<id>   empty; tag: 22 characters of the user's hash
 *
 * A version is `<mod_revision>.<lease>.<tag>`: what etcd compares, and how the row is filed. A row and its place in the user index are
 * written by one transaction and under one lease, so neither outlives the other.
 */
import type { SessionStore } from '../core/types.ts'
import { unavailable } from './common/errors.ts'
import { plainName, storeOptions, wholeNumber } from './common/options.ts'
import { type EtcdCredentials, type EtcdFetch, Gateway } from './etcd/gateway.ts'
import { Rows } from './etcd/rows.ts'
import { adviceFor, checkEtcd, credentialsOf, endpointsOf } from './etcd/server.ts'

export type { EtcdCredentials, EtcdFetch } from './etcd/gateway.ts'

export interface EtcdStoreOptions {
  /** The members of the cluster, such as `['http://10.0.0.1:2379', 'http://10.0.0.2:2379']`. One is asked; the next when it is away. */
  readonly endpoints: readonly string[]
  /** Begins every key. Default `'coatcheck/'`. */
  readonly prefix?: string
  /** For a cluster with `auth enable`. A function is asked whenever a new token is needed, so that a password can change. */
  readonly credentials?: EtcdCredentials | (() => EtcdCredentials | Promise<EtcdCredentials>)
  /** How long a request may take. Default 2,000 ms. */
  readonly requestMs?: number
  /** What the cluster takes in one request, its `--max-request-bytes`. Default 1,572,864. */
  readonly bytesMax?: number
  /** Default: the global `fetch`. For certificates of your own, or a proxy. */
  readonly fetch?: EtcdFetch
}

/**
 * Keeps sessions in etcd (3.4 or newer), through its JSON gateway: no client is needed. A read is one request, a write one transaction.
 *
 * etcd keeps every revision until it is told not to: run it with `--auto-compaction-mode=periodic --auto-compaction-retention=1h`, or it
 * takes no more writes when its quota (2 GiB) is full.
 *
 * Throws `config_invalid` for options that are wrong, and `ready()` rejects with it for a server that is too old. `put` rejects with
 * `session_too_large`; every other failure rejects with `store_unavailable`.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { etcdStore } from 'coatcheck/etcd'
 *
 * const store = etcdStore({ endpoints: [process.env['ETCD_URL'] ?? 'http://localhost:2379'], prefix: 'shop/' })
 * const sessions = createSessions({ secret: crypto.randomUUID(), store })
 * await sessions.ready().catch((error: Error) => console.log(`etcd is not there: ${error.message}`))
 * await sessions.close()
 * ```
 */
export function etcdStore(options: EtcdStoreOptions): SessionStore {
  const { gateway, prefix, bytesMax } = settingsOf(options)
  const rows = new Rows(gateway, prefix, bytesMax)
  const fail = (error: unknown): never => {
    throw unavailable('etcdStore', error, adviceFor(error))
  }
  return {
    guarantees: { compareAndSwap: true, durable: true, mayEvict: false, userIndex: true },
    get: (id) => rows.find(id).catch(fail),
    getMany: (ids) => rows.findMany(ids).catch(fail),
    put: (row, expected) => rows.put(row, expected).catch(fail),
    delete: (id) => rows.delete(id).catch(fail),
    idsOf: (user) => rows.idsOf(user).catch(fail),
    scan: (cursor, limit) => rows.page(cursor, limit).catch(fail),
    ready: () => checkEtcd(gateway, rows.keyOf('')).catch(fail),
  }
}

function settingsOf(options: EtcdStoreOptions): { gateway: Gateway; prefix: string; bytesMax: number } {
  const own = storeOptions('etcdStore', options, ['endpoints', 'prefix', 'credentials', 'requestMs', 'bytesMax', 'fetch'])
  const gateway = new Gateway({
    endpoints: endpointsOf(own.endpoints),
    requestMs: wholeNumber('etcdStore', 'requestMs', own.requestMs ?? 2_000, 1, 600_000),
    fetch: own.fetch ?? fetch,
    credentials: credentialsOf(own.credentials),
  })
  return {
    gateway,
    prefix: plainName('etcdStore', 'prefix', own.prefix ?? 'coatcheck/', /^[A-Za-z0-9_:./-]{0,64}$/),
    bytesMax: wholeNumber('etcdStore', 'bytesMax', own.bytesMax ?? 1_572_864, 4_096),
  }
}
