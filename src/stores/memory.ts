/**
 * Sessions in this process: a Map from id to { body, user, expiresAt, version }, an index of ids by user, and two orders that say
 * who goes when there is no room.
 */
import { CoatcheckError } from '../core/errors.ts'
import type { Clock, SessionStore, StoredRow } from '../core/types.ts'
import { Table } from './memory/table.ts'
import { storeOptions, wholeNumber } from './common/options.ts'

export interface MemoryStoreOptions {
  /** Sessions kept at most. Default 100,000. */
  readonly rowsMax?: number
  /** Memory they may take, in bytes, counting the texts and what the store keeps around them. Default 256 MiB. */
  readonly bytesMax?: number
  /** Decides which sessions have expired when room is needed. Default `Date.now`. */
  readonly clock?: Clock
}

/**
 * Keeps sessions in this process's memory: the fastest place, and gone when the process ends. For development, tests, and servers of
 * one process that may sign everybody out at a restart.
 *
 * When full, it drops expired sessions first and then those unused for longest. Throws `config_invalid`; `put` rejects with
 * `session_too_large` for a row that alone is over `bytesMax`.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { memoryStore } from 'coatcheck/memory'
 * const store = memoryStore({ rowsMax: 10_000, bytesMax: 32 * 1024 * 1024 })
 * const sessions = createSessions({ secret: crypto.randomUUID(), store })
 * await sessions.close()
 * ```
 */
export function memoryStore(options: MemoryStoreOptions = {}): SessionStore {
  const own = storeOptions('memoryStore', options, ['rowsMax', 'bytesMax', 'clock'])
  const rowsMax = wholeNumber('memoryStore', 'rowsMax', own.rowsMax ?? 100_000, 1)
  const bytesMax = wholeNumber('memoryStore', 'bytesMax', own.bytesMax ?? 256 * 1024 * 1024, 1)
  const table = new Table({ rowsMax, bytesMax }, own.clock ?? Date.now)
  // Counts for the whole store, so that no id sees a version twice, not even after a delete.
  let versions = 0

  function getNow(id: string): StoredRow | null {
    const entry = table.find(id)
    if (entry === undefined) return null
    table.used(entry)
    return { id: entry.id, body: entry.body, user: entry.user, expiresAt: entry.expiresAt, version: entry.version }
  }

  return {
    guarantees: { compareAndSwap: true, durable: false, mayEvict: true, userIndex: true },
    getNow,
    get: (id) => Promise.resolve(getNow(id)),

    put(row, expected) {
      const entry = table.find(row.id)
      if ((entry === undefined ? null : entry.version) !== expected) return Promise.resolve(null)
      const bytes = Table.bytesOf(row)
      if (bytes > bytesMax) return Promise.reject(tooLarge(bytes, bytesMax))
      const version = String(++versions)
      if (entry === undefined) table.add(row, version, bytes)
      else table.replace(entry, row, version, bytes)
      return Promise.resolve(version)
    },

    delete(id) {
      const entry = table.find(id)
      if (entry !== undefined) table.drop(entry)
      return Promise.resolve()
    },

    touch(id, expiresAt) {
      const entry = table.find(id)
      if (entry === undefined) return Promise.resolve(false)
      entry.expiresAt = Math.max(entry.expiresAt, expiresAt)
      table.used(entry)
      return Promise.resolve(true)
    },

    idsOf: (user) => Promise.resolve(table.idsOf(user)),
    scan: (cursor, limit) => Promise.resolve(table.scan(cursor, limit)),
    sweep: (now, limit) => Promise.resolve(table.sweep(now, limit)),
  }
}

function tooLarge(bytes: number, bytesMax: number): CoatcheckError {
  return new CoatcheckError(
    'session_too_large',
    `a session takes ${bytes} bytes, more than the ${bytesMax} of the whole memoryStore; raise bytesMax`,
  )
}
