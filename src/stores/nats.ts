/**
 * Sessions in a key-value bucket of NATS JetStream:
 *
 *   s.<id>    { "user": …, "expiresAt": …, "due": … } in a line of JSON, then the body
 *   u.<tag>   { "<id>": due, … }: the sessions of a user; tag: 22 characters of the user's hash
 *
 * A version is `<revision>.<due>.<tag>`: what NATS compares, and how the row is listed. `due` is never before `expiresAt`: until then the
 * list has the id. It is written first, so it may name too many, and `idsOf` looks at the rows.
 */
import type { SessionStore } from '../core/types.ts'
import { unavailable } from './common/errors.ts'
import { invalid, storeOptions } from './common/options.ts'
import { adviceFor, type NatsBucket } from './nats/bucket.ts'
import { Rows } from './nats/rows.ts'

export type { NatsBucket } from './nats/bucket.ts'

export interface NatsStoreOptions {
  /**
   * A bucket of @nats-io/kv (or nats 2) for sessions alone. Its connection stays yours: close it last. Give the connection a `pingInterval`
   * of a few seconds: by itself it notices after minutes that nobody is at the other end any more. And `maxReconnectAttempts: -1`, or after
   * ten attempts it stays closed.
   */
  readonly kv: NatsBucket
}

/**
 * Keeps sessions in a NATS key-value bucket (server 2.9 or newer). A read is one request, and so is a write; signing in takes three.
 *
 * The bucket needs a `ttl` of at least twice the longest idle timeout: NATS drops what was not written for so long, and this is how
 * expired sessions go. A cluster acknowledges before its disks have it (`sync_interval`), so `guarantees.durable` is `false`.
 *
 * Throws `config_invalid` for options that are wrong, and `ready()` rejects with it for a bucket that would lose sessions. `put` rejects
 * with `session_too_large` for what does not fit a message (1 MiB unless the server says otherwise); every other failure rejects with
 * `store_unavailable`.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { natsStore } from 'coatcheck/nats'
 * import { Kvm } from '@nats-io/kv'
 * import { connect } from '@nats-io/transport-node'
 *
 * const servers = process.env['NATS_URL'] ?? 'nats://localhost:4222'
 * const connection = await connect({ servers, reconnect: false }).catch((error: Error) => console.log(`NATS is not there: ${error.message}`))
 * if (connection) {
 *   const kv = await new Kvm(connection).create('sessions', { ttl: 7 * 24 * 3_600_000 })
 *   const sessions = createSessions({ secret: crypto.randomUUID(), store: natsStore({ kv }) })
 *   await sessions.ready()
 *   await connection.close()
 * }
 * ```
 */
export function natsStore(options: NatsStoreOptions): SessionStore {
  const { kv } = storeOptions('natsStore', options, ['kv'])
  const methods = ['get', 'create', 'update', 'purge', 'status'] as const
  if (!methods.every((method) => typeof kv?.[method] === 'function')) {
    throw invalid("natsStore needs a bucket; write natsStore({ kv: await new Kvm(connection).open('sessions') })")
  }
  const rows = new Rows(kv)
  const fail = (error: unknown): never => {
    throw unavailable('natsStore', error, adviceFor(error))
  }
  return {
    guarantees: { compareAndSwap: true, durable: false, mayEvict: false, userIndex: true },
    get: (id) => rows.find(id).catch(fail),
    put: (row, expected) => rows.put(row, expected).catch(fail),
    delete: (id) => rows.delete(id).catch(fail),
    idsOf: (user) => rows.idsOf(user).catch(fail),
    ready: () => rows.check().catch(fail),
  }
}
