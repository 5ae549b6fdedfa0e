import type { SessionStore } from '../../core/types.ts'
import type { MysqlStoreOptions } from '../mysql.ts'
import type { PostgresStoreOptions } from '../postgres.ts'
import { exported, load } from './load.ts'
import { closing, type Opener } from './openers.ts'

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
  const client = new Pool({ connectionString: url, connectionTimeoutMillis: connectMs })
  // An idle connection that breaks is told here, and the pool makes another.
  client.on('error', () => {})
  const store = postgresStore({ client })
  return opened(store, client, migrate)
}

const openMysql: Opener = async (url, { migrate }) => {
  const createPool = exported<(options: object) => MysqlPool>(await load('mysql2/promise'), 'createPool')
  const { mysqlStore } = await import('../mysql.ts')
  const client = createPool({ uri: url, connectTimeout: connectMs })
  return opened(mysqlStore({ client }), client, migrate)
}

async function opened(store: SessionStore & { migrate(): Promise<void> }, client: Ending, migrate: boolean): Promise<SessionStore> {
  const whole = closing(store, () => client.end())
  if (!migrate) return whole
  try {
    await store.migrate()
    return whole
  } catch (error) {
    await client.end()
    throw error
  }
}

export const openSql: Readonly<Record<string, Opener>> = { postgres: openPostgres, postgresql: openPostgres, mysql: openMysql }
