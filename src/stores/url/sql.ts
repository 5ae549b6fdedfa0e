import type { MysqlStoreOptions } from '../mysql.ts'
import type { PostgresStoreOptions } from '../postgres.ts'
import { exported, load } from './load.ts'
import { migrated } from './closing.ts'
import { partsOf, unreadable } from './parts.ts'
import type { Opener } from './openers.ts'

interface Ending {
  end(): Promise<unknown>
}

type PgPool = PostgresStoreOptions['client'] & Ending & { on(event: 'error', heard: () => void): unknown }
type MysqlPool = MysqlStoreOptions['client'] & Ending

/** Shorter than the engine's deadline, so that the pool gives up first and is not left with somebody waiting. */
const connectMs = 1_500

const openPostgres: Opener = async (url, { migrate }) => {
  const Pool = exported<new (options: object) => PgPool>(await load('pg'), 'Pool')
  const { postgresStore } = await import('../postgres.ts')
  // A socket instead of a host: postgres://user@/shop?host=/var/run/postgresql
  if (!URL.canParse(url.replace('@/', '@host/'))) throw unreadable(url)
  const client = new Pool({ connectionString: url, connectionTimeoutMillis: connectMs })
  // An idle connection that breaks is told here, and the pool makes another.
  client.on('error', () => {})
  return migrated(postgresStore({ client }), () => client.end(), migrate)
}

const openMysql: Opener = async (url, { migrate }) => {
  const createPool = exported<(options: object) => MysqlPool>(await load('mysql2/promise'), 'createPool')
  const { mysqlStore } = await import('../mysql.ts')
  partsOf(url)
  const client = createPool({ uri: url, connectTimeout: connectMs })
  return migrated(mysqlStore({ client }), () => client.end(), migrate)
}

export const openSql: Readonly<Record<string, Opener>> = { postgres: openPostgres, postgresql: openPostgres, mysql: openMysql }
