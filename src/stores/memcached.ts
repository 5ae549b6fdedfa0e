/**
 * Sessions in memcached, one item each, on the server that a ring assigns to the key:
 *
 *   <prefix><id>     cc1 <expiresAt> <bytes of the user> LF <user> <body>     memcached/item.ts
 *   <prefix>~life    16 random characters: which life of the memory this is   memcached/handshake.ts
 *
 * version: `<life>.<cas>`, the server's own count of writes within one life of its memory.
 * The item's expiry is housekeeping, a second or more after the row's own.
 *
 * Why it looks like this: decisions/016-memcached.md.
 */
import { CoatcheckError } from '../core/errors.ts'
import type { SessionStore, StoredRow } from '../core/types.ts'
import { tooLarge } from './common/errors.ts'
import { Cluster } from './memcached/cluster.ts'
import type { Connection } from './memcached/connection.ts'
import { outgrown } from './memcached/failures.ts'
import { decodeItem, encodeItem } from './memcached/item.ts'
import { expiryOf } from './memcached/lifetime.ts'
import { look } from './memcached/look.ts'
import { find, remove, store } from './memcached/questions.ts'
import { type MemcachedStoreOptions, settingsOf } from './memcached/settings.ts'

export type { MemcachedStoreOptions } from './memcached/settings.ts'

/** What memcached counts besides the value: key, structure, line end. */
const overheadBytes = 512
const keyBytesMax = 250
const plainId = /^[A-Za-z0-9_.:-]+$/
const versionShape = /^([A-Za-z0-9_-]{16})\.([1-9]\d{0,19})$/

/**
 * Keeps sessions in memcached 1.6.10 or newer, over connections of its own: no client is needed. A read is one command, and so is a
 * write. It is a cache: sessions end when a server is restarted or needs the room, and nobody can list a user's.
 *
 * While a server is away its sessions are, with `store_unavailable`, and no other server takes them over: what the server kept
 * would come back with it, signed-out sessions too. For the same reason restart a server before it joins the list again. Name the
 * servers themselves: behind a proxy that speaks memcached's protocol a restart goes unseen. `close` closes the connections.
 *
 * Throws `config_invalid` for options that are wrong, and `ready()` rejects with it for a server that is too old, has no
 * compare-and-swap, refuses the password or takes smaller items. `put` rejects with `session_too_large` for what does not fit, and
 * with `value_invalid` for text that is not well-formed and for ids that are no key.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { memcachedStore } from 'coatcheck/memcached'
 * const store = memcachedStore({ servers: ['127.0.0.1:11211'], timeoutMs: 500 })
 * const sessions = createSessions({ secret: crypto.randomUUID(), store })
 * // The server is asked when the first session is, or here; without one this says so.
 * await sessions.ready().catch((error: Error) => error.message)
 * await sessions.close()
 * ```
 */
export function memcachedStore(options: MemcachedStoreOptions): SessionStore {
  const { addresses, prefix, itemBytesMax, ...rest } = settingsOf(options)
  const cluster = new Cluster(addresses, { ...rest, lifeKey: `${prefix}~life` })
  /** `null` for what no row can be under. */
  const keyOf = (id: string): string | null => (plainId.test(id) && prefix.length + id.length <= keyBytesMax ? prefix + id : null)

  async function read(connection: Connection, id: string): Promise<StoredRow | null> {
    const key = keyOf(id)
    const item = key === null ? null : await connection.ask(find(key))
    return item === null ? null : { id, ...(decodeItem(item.value) ?? foreign), version: `${connection.life}.${item.cas}` }
  }

  return {
    guarantees: { compareAndSwap: true, durable: false, mayEvict: true, userIndex: false },

    async get(id) {
      const key = keyOf(id)
      return key === null ? null : cluster.ask(key, (connection) => read(connection, id))
    },

    // With several servers each read goes by itself: one server that is away must not fail the sessions of the others.
    ...(addresses.length > 1
      ? {}
      : { getMany: (ids) => cluster.ask('', (connection) => Promise.all(ids.map((id) => read(connection, id)))) }),

    async put(row, expected) {
      const key = keyOf(row.id)
      if (key === null)
        throw new CoatcheckError('value_invalid', `an id must match ${plainId} and fit ${keyBytesMax} bytes with the prefix`)
      const value = encodeItem(row)
      const valueBytesMax = itemBytesMax - overheadBytes
      if (value.length > valueBytesMax) throw tooLarge('memcachedStore', value.length, valueBytesMax)
      const [, life, cas] = versionShape.exec(expected ?? '') ?? []
      return cluster.ask(key, async (connection) => {
        // What was read in another life of the server's memory went with it.
        if (expected !== null && (cas === undefined || life !== connection.life)) return null
        const answer = await connection.ask(store(key, value, expiryOf(row.expiresAt, Date.now()), cas ?? null))
        if (answer.stored === 'refused') throw outgrown(answer.why, value.length)
        return answer.stored === 'yes' ? `${connection.life}.${answer.cas}` : null
      })
    },

    async delete(id) {
      const key = keyOf(id)
      if (key !== null) await cluster.ask(key, (connection) => connection.ask(remove(key)))
    },

    ready: () => cluster.each((server) => look(server, itemBytesMax, `${prefix}~probe`)),
    close: () => cluster.each((server) => server.close()),
  }
}

/** Somebody else's bytes under our key, as a row that the engine refuses. */
const foreign = { body: '?', user: null, expiresAt: 0 }
