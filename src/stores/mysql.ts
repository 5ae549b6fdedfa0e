/**
 * Sessions in one InnoDB table, which sql/mysql/001.sql makes:
 *
 *   coatcheck_session   id          primary key
 *                       version     'process-count', new at every put
 *                       user_id     null while nobody is signed in; indexed
 *                       expires_at  unix milliseconds
 *                       due         indexed, never after expires_at: the sweep looks at the row then, and files it anew if it lived on.
 *                                   So a session in use moves in no index.
 *                       body        UTF-8
 *
 * Every call is one statement and one transaction. Texts are VARBINARY and BLOB: byte for byte, also spaces at the end.
 */
import type { SessionStore } from '../core/types.ts'
import { plainName, storeOptions, wholeNumber } from './common/options.ts'
import { type MysqlPool, type Run, runnerFor } from './mysql/client.ts'
import { failure, isTaken, isUndone } from './mysql/failures.ts'
import { checkServer, type Looked, lookAt, schemaOf } from './mysql/schema.ts'
import { MysqlTable } from './mysql/table.ts'
import { retrying } from './sql/retry.ts'
import { migrateTable } from './sql/schema.ts'
import { sqlStore } from './sql/store.ts'

export type { MysqlConnection, MysqlPool } from './mysql/client.ts'

export interface MysqlStoreOptions {
  /** A pool of `mysql2/promise`. It stays yours to close. */
  readonly client: MysqlPool
  /** Name of the table: lower-case letters, digits and `_`. Default `'coatcheck_session'`. */
  readonly table?: string
  /** A connection that answers nothing for so long is given up: one whose other end is gone never says so. Default 2,000 ms. */
  readonly silenceMs?: number
}

const tableShape = /^[a-z_][a-z0-9_]{0,63}$/

/**
 * Keeps sessions in MySQL (8.0 or newer) or MariaDB (10.6 or newer). `migrate()` makes the table or brings it up to date, from as many processes
 * at once as you like; a person may run sql/mysql/001.sql instead.
 *
 * Throws `config_invalid` for options that are wrong; `ready()` and `migrate()` reject with it for a table that is missing, altered, somebody else's
 * or from a newer coatcheck. Later every failure rejects with `store_unavailable`. What the server has undone by itself (a deadlock) is tried
 * again a few times, and nothing else. `put` rejects with `value_invalid` for text that is not well-formed, and with `session_too_large` for
 * a body over 16 MiB or over `max_allowed_packet`.
 *
 * `guarantees.durable` supposes `innodb_flush_log_at_trx_commit = 1`, which is the default.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { mysqlStore } from 'coatcheck/mysql'
 * import { createPool } from 'mysql2/promise'
 *
 * const client = createPool(process.env['DATABASE_URL'] ?? 'mysql://localhost/shop')
 * const store = mysqlStore({ client })
 * const sessions = createSessions({ secret: crypto.randomUUID(), store })
 * const started = store.migrate().then(() => sessions.ready())
 * await started.catch((error: Error) => console.log(`MySQL is not there: ${error.message}`))
 * await sessions.close()
 * await client.end()
 * ```
 */
export function mysqlStore(options: MysqlStoreOptions): SessionStore & { migrate(): Promise<void> } {
  const own = storeOptions('mysqlStore', options, ['client', 'table', 'silenceMs'])
  const table = plainName('mysqlStore', 'table', own.table ?? 'coatcheck_session', tableShape)
  const runner = runnerFor(own.client, wholeNumber('mysqlStore', 'silenceMs', own.silenceMs ?? 2_000, 1, 3_600_000))
  const schema = schemaOf(table)
  const run: Run = (sql, values) =>
    retrying(isUndone, () => runner(sql, values)).catch((error: unknown) => {
      throw isTaken(error) ? error : failure(error)
    })
  const rows = new MysqlTable(run, table)
  const look = async (): Promise<Looked> => {
    const looked = await lookAt(run, table)
    rows.limitTo(looked.packetBytes)
    return looked
  }
  return {
    ...sqlStore(rows),
    ready: async () => checkServer(schema, await look()),
    migrate: () => migrateTable(schema, look, run),
  }
}
