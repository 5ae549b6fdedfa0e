/**
 * Sessions in one SQLite file:
 *
 *   session  key         1, 2, 3 …
 *            id          unique
 *            version     'process-count', new at every put
 *            user        null while nobody is signed in; indexed where it is not null
 *            expires_at  unix milliseconds
 *            due         indexed, never after expires_at: the sweep looks at the row then, and files it anew if it lived on.
 *                        So a session in use moves in no index.
 *            body        text; as UTF-16 bytes where UTF-8 or a zero would lose something
 *            checksum    CRC-32 of id, version, user, expires_at and body
 *
 * Why it looks like this: decisions/003-sqlite-layout.md.
 */
import { resolve } from 'node:path'
import { CoatcheckError } from '../core/errors.ts'
import type { Row, SessionStore } from '../core/types.ts'
import { invalid, storeOptions, wholeNumber } from './common/options.ts'
import { unavailable } from './sqlite/failures.ts'
import { OpenedFile } from './sqlite/file.ts'
import { inMemory, openDatabase } from './sqlite/open.ts'
import { Reserve } from './sqlite/reserve.ts'
import { isPlain, Rows } from './sqlite/rows.ts'
import { Sweeping } from './sqlite/sweeping.ts'
import { Writes } from './sqlite/writes.ts'

export interface SqliteStoreOptions {
  /**
   * Path of the database; the file (mode 0600) and its folder are made if missing. Beside it lie SQLite's `-wal` and `-shm`, and
   * `-reserve`, a megabyte that lets people sign out when the disk is full. `':memory:'` for tests.
   */
  readonly file: string
  /**
   * `'full'` (default): an acknowledged write survives a power cut. `'normal'`: it survives a crash of the process, but a power
   * cut may undo the last ones, logouts among them; then `guarantees.durable` is `false`.
   */
  readonly durability?: 'full' | 'normal'
  /** How long a write waits, without stopping the process, while others write. Default 1,500 ms. */
  readonly busyMs?: number
  /** Memory for pages of the file, in MiB. Default 64, taken only as needed. */
  readonly cacheMiB?: number
  /**
   * How much of the file to read as memory, in MiB. Default 0. Above 100,000 sessions it spares a quarter of the cost of a
   * read; the price is that a disk error or a file cut short kills the process instead of failing one request.
   */
  readonly mmapMiB?: number
}

/**
 * Keeps sessions in a SQLite file, by Node's own `node:sqlite`. Several processes on one machine may share the file; a network
 * file system will not do.
 *
 * Throws `config_invalid` when the file cannot be used: not writable, not a database, another application's, from a newer
 * coatcheck. Later every failure (a full disk, a deleted file, a table altered underneath) rejects with `store_unavailable`, and
 * the writes concerned did not happen. `put` rejects with `value_invalid` for an id or user that is not well-formed text.
 * A row that the disk has changed opens no session; the event is `rejected`, `why: 'unreadable'`. Who edits a row by hand sets
 * `checksum = NULL` with it.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { sqliteStore } from 'coatcheck/sqlite'
 * const store = sqliteStore({ file: '.tmp/sessions.db' })
 * const sessions = createSessions({ secret: crypto.randomUUID(), store })
 * await sessions.close()
 * ```
 */
export function sqliteStore(options: SqliteStoreOptions): SessionStore {
  const { file, durability, busyMs, cacheMiB, mmapMiB } = settingsOf(options)
  const db = openDatabase(file, { durability, busyMs, cacheMiB, mmapMiB })
  const opened = file === inMemory ? null : new OpenedFile(file)
  const rows = new Rows(db)
  const reserve = file === inMemory ? null : new Reserve(`${file}-reserve`)
  const writes = new Writes(db, busyMs, () => opened?.look(), reserve)
  const sweeping = new Sweeping(db, writes)
  let closed: Promise<void> | null = null

  function read<T>(find: () => T): T {
    try {
      opened?.lookSometimes()
      return find()
    } catch (error) {
      throw unavailable(error)
    }
  }

  return {
    guarantees: { compareAndSwap: true, durable: durability === 'full' && file !== inMemory, mayEvict: false, userIndex: true },
    getNow: (id) => read(() => rows.find(id)),
    get: async (id) => read(() => rows.find(id)),

    put(row, expected) {
      const wrong = fault(row)
      return wrong === null ? writes.run(() => rows.put(row, expected)) : Promise.reject(wrong)
    },

    delete: (id) => writes.run(() => rows.delete(id), true),
    touch: (id, expiresAt) => writes.run(() => rows.touch(id, expiresAt)),
    idsOf: async (user) => (isPlain(user) ? read(() => rows.idsOf(user)) : []),

    async scan(cursor, limit) {
      const ids = read(() => rows.idsAfter(cursor ?? '', limit))
      return { ids, cursor: ids.length < limit ? null : (ids.at(-1) ?? null) }
    },

    sweep: (now, limit) => sweeping.sweep(now, limit),

    close() {
      closed ??= writes.close().then(() => db.close())
      return closed
    },
  }
}

function settingsOf(options: SqliteStoreOptions): Required<SqliteStoreOptions> {
  const own = storeOptions('sqliteStore', options, ['file', 'durability', 'busyMs', 'cacheMiB', 'mmapMiB'])
  const { file, durability = 'full' } = own
  if (typeof file !== 'string' || file === '')
    throw invalid("sqliteStore needs a file; write for example sqliteStore({ file: 'sessions.db' })")
  if (durability !== 'full' && durability !== 'normal') throw invalid("sqliteStore: durability must be 'full' or 'normal'")
  return {
    file: file === inMemory ? file : resolve(file),
    durability,
    busyMs: wholeNumber('sqliteStore', 'busyMs', own.busyMs ?? 1_500, 0, 60_000),
    cacheMiB: wholeNumber('sqliteStore', 'cacheMiB', own.cacheMiB ?? 64, 1, 1024 * 1024),
    mmapMiB: wholeNumber('sqliteStore', 'mmapMiB', own.mmapMiB ?? 0, 0, 1024 * 1024),
  }
}

/** Why the table could not keep a row as it is, or `null`. One that failed halfway would take the writes of others along. */
function fault({ id, user, expiresAt }: Row): CoatcheckError | null {
  if (!isPlain(id) || (user !== null && !isPlain(user))) {
    return new CoatcheckError('value_invalid', 'an id and a user must be well-formed text without zero characters')
  }
  if (!Number.isSafeInteger(expiresAt)) return new CoatcheckError('value_invalid', 'expiresAt must be whole unix milliseconds')
  return null
}
