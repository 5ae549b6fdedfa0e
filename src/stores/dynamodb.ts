/**
 * Sessions in one DynamoDB table, whose key is `pk` and `sk` (both text) and whose time to live is `ttl`:
 *
 *   pk                  sk        more
 *   <prefix>s#<id>      session   body (absent when empty), user (absent for nobody), expiresAt, version, ttl
 *   <prefix>u#<user>    <id>      due, ttl: an entry of the user index
 *
 * expiresAt, due: unix milliseconds; ttl: unix seconds, an hour later. A version is `<process-count>.<due>.<tag>`: it also says how the
 * row is filed. `due` is never before `expiresAt`. An entry is written before its row, so the index may name too many ids, never too
 * few, and `idsOf` looks at the rows. A global secondary index would be simpler, but it is behind: a session that has just signed in
 * would be missing.
 */
import type { SessionStore } from '../core/types.ts'
import { unavailable } from './common/errors.ts'
import { plainName, storeOptions } from './common/options.ts'
import { adviceFor, checkClient, type DynamodbClient } from './dynamodb/client.ts'
import { Rows } from './dynamodb/rows.ts'
import { checkTable, migrateTable } from './dynamodb/table.ts'

export type { DynamodbClient } from './dynamodb/client.ts'

export interface DynamodbStoreOptions {
  /** The aggregated client, `new DynamoDB()` of @aws-sdk/client-dynamodb. It stays yours. Give it a `requestTimeout`: it has none. */
  readonly client: DynamodbClient
  /** Name of the table. */
  readonly table: string
  /** Begins every key, for a table that several applications share. Default `''`. */
  readonly prefix?: string
}

/**
 * Keeps sessions in DynamoDB. Reads are consistent, one request each; a write is one request, two when somebody signs in. `migrate()`
 * creates the table if it is missing, billed on demand, and turns its time to live on: for a deployment, not for every start.
 *
 * Not for global tables that are written in several regions: their compare-and-swap holds within one region only.
 *
 * Throws `config_invalid` for options that are wrong, and `ready()` rejects with it for a table that cannot be used. `put` rejects with
 * `session_too_large` over 400 KB; every other failure rejects with `store_unavailable`.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { dynamodbStore } from 'coatcheck/dynamodb'
 * import { DynamoDB } from '@aws-sdk/client-dynamodb'
 *
 * const client = new DynamoDB({
 *   region: 'eu-central-1',
 *   endpoint: process.env['DYNAMODB_URL'] ?? 'http://localhost:8000',
 *   credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
 *   maxAttempts: 1,
 * })
 * const sessions = createSessions({ secret: crypto.randomUUID(), store: dynamodbStore({ client, table: 'sessions' }) })
 * await sessions.ready().catch((error: Error) => console.log(`DynamoDB is not there: ${error.message}`))
 * await sessions.close()
 * client.destroy()
 * ```
 */
export function dynamodbStore(options: DynamodbStoreOptions): SessionStore & { migrate(): Promise<void> } {
  const own = storeOptions('dynamodbStore', options, ['client', 'table', 'prefix'])
  const client = checkClient(own.client)
  const table = plainName('dynamodbStore', 'table', own.table, /^[A-Za-z0-9_.-]{3,255}$/)
  const rows = new Rows(client, table, plainName('dynamodbStore', 'prefix', own.prefix ?? ''))
  const fail = (error: unknown): never => {
    throw unavailable('dynamodbStore', error, adviceFor(error))
  }
  return {
    guarantees: { compareAndSwap: true, durable: true, mayEvict: false, userIndex: true },
    get: (id) => rows.find(id).catch(fail),
    getMany: (ids) => rows.findMany(ids).catch(fail),
    put: (row, expected) => rows.put(row, expected).catch(fail),
    delete: (id) => rows.delete(id).catch(fail),
    idsOf: (user) => rows.idsOf(user).catch(fail),
    scan: (cursor, limit) => rows.page(cursor, limit).catch(fail),
    ready: () => checkTable(client, table).catch(fail),
    migrate: () => migrateTable(client, table).catch(fail),
  }
}
