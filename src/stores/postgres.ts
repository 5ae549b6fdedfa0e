/**
 * Sessions in one PostgreSQL table, which sql/postgres/001.sql makes:
 *
 *   coatcheck_session   id          primary key
 *                       version     'process-count', new at every put
 *                       user_id     null while nobody is signed in; indexed where it is not null
 *                       expires_at  unix milliseconds
 *                       due         indexed, never after expires_at: the sweep looks at the row then, and files it anew if it lived on.
 *                                   So a session in use changes no indexed column, and its new version stays on its page (a HOT update).
 *                       body        text
 *
 * Every call is one statement and one transaction. Texts compare byte for byte (COLLATE "C").
 */
import type { SessionStore } from '../core/types.ts'
import { invalid, plainName, storeOptions, wholeNumber } from './common/options.ts'
import { type PgClient, type PostgresJsClient, type Run, runnerFor } from './postgres/client.ts'
import { failure, isUndone } from './postgres/failures.ts'
import { checkServer, type Looked, lookAt, quoted, schemaOf } from './postgres/schema.ts'
import { PostgresTable } from './postgres/table.ts'
import { retrying } from './sql/retry.ts'
import { migrateTable } from './sql/schema.ts'
import { sqlStore } from './sql/store.ts'

export type { PgClient, PostgresJsClient } from './postgres/client.ts'

export interface PostgresStoreOptions {
  /** A `Pool` of `pg`, or what `postgres(url)` of postgres.js gives. It stays yours to close. */
  readonly client: PgClient | PostgresJsClient
  /** Name of the table, or `schema.table`: lower-case letters, digits and `_`. Default `'coatcheck_session'`. */
  readonly table?: string
  /** `false` behind a pooler that knows no prepared statements, such as PgBouncer before 1.21 in transaction mode. Default `true`. */
  readonly prepare?: boolean
  /**
   * A connection of `pg` that answers nothing for so long is given up: one whose other end is gone never says so. Default 2,000 ms.
   * postgres.js has no way of giving one up.
   */
  readonly silenceMs?: number
}

/** `name` or `schema.name`, with room for the endings of index names in PostgreSQL's 63 bytes. */
const tableShape = /^([a-z_][a-z0-9_]{0,62}\.)?[a-z_][a-z0-9_]{0,49}$/

/**
 * Keeps sessions in PostgreSQL (9.6 or newer). `migrate()` makes the table or brings it up to date, from as many processes at once as you
 * like; a person may run sql/postgres/001.sql instead.
 *
 * Throws `config_invalid` for options that are wrong; `ready()` and `migrate()` reject with it for a table that is missing, altered, somebody else's
 * or from a newer coatcheck. Later every failure rejects with `store_unavailable`. What the server has undone by itself (a serialization
 * failure, a deadlock) is tried again a few times, and nothing else. `put` rejects with `value_invalid` for text that PostgreSQL cannot keep.
 *
 * `guarantees.durable` supposes `fsync` and `synchronous_commit` on, which is PostgreSQL's default. Give the pool limits of its own, or a
 * server that is away holds requests until the engine's deadline.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { postgresStore } from 'coatcheck/postgres'
 * import { Pool } from 'pg'
 *
 * const client = new Pool({
 *   connectionString: process.env['DATABASE_URL'] ?? 'postgres://localhost/shop',
 *   connectionTimeoutMillis: 2_000,
 *   statement_timeout: 2_000,
 * })
 * const store = postgresStore({ client })
 * const sessions = createSessions({ secret: crypto.randomUUID(), store })
 * const started = store.migrate().then(() => sessions.ready())
 * await started.catch((error: Error) => console.log(`PostgreSQL is not there: ${error.message}`))
 * await sessions.close()
 * await client.end()
 * ```
 */
export function postgresStore(options: PostgresStoreOptions): SessionStore & { migrate(): Promise<void> } {
  const own = storeOptions('postgresStore', options, ['client', 'table', 'prepare', 'silenceMs'])
  const table = plainName('postgresStore', 'table', own.table ?? 'coatcheck_session', tableShape)
  const silenceMs = wholeNumber('postgresStore', 'silenceMs', own.silenceMs ?? 2_000, 1, 3_600_000)
  const { prepare = true } = own
  if (typeof prepare !== 'boolean') throw invalid('postgresStore: prepare must be true or false')
  const runner = runnerFor(own.client, prepare, silenceMs)
  const schema = schemaOf(table)
  const fail = (error: unknown): never => {
    throw failure(error)
  }
  const run: Run = (statement, values) => retrying(isUndone, () => runner.run(statement, values)).catch(fail)
  const look = (): Promise<Looked> => lookAt(run, table)
  return {
    ...sqlStore(new PostgresTable(run, quoted(table))),
    ready: async () => checkServer(schema, await look()),
    migrate: () => migrateTable(schema, look, (text) => runner.script(text).catch(fail)),
  }
}
