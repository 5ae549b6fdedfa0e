import { randomBytes } from 'node:crypto'
import { Client, Pool } from 'pg'
import postgresJs from 'postgres'
import { type PostgresStoreOptions, postgresStore } from '../../../src/stores/postgres.ts'
import type { Lack } from '../../../src/testing/store-contract.ts'
import type { OpenedProfile, StoreProfile } from '../profile.ts'

const noZeroes: Lack = {
  rule: 'a body comes back as it was: zero characters',
  reason: 'PostgreSQL keeps none in text, and the codec escapes them: put rejects with value_invalid',
}

const words: StoreProfile['words'] = {
  limits: '1 GB by PostgreSQL; `limits.bytesMax` of the session comes first',
  eviction: 'never; `sweep` drops what has expired',
  restart: 'every acknowledged write is there (with `fsync` and `synchronous_commit` on, the default)',
  failover: 'what the new primary had got: everything with synchronous replication; until then writes reject, since a replica is read-only',
}

/** Does something as somebody who is not counted. */
export async function asAdmin<T>(url: string, run: (admin: Client) => Promise<T>): Promise<T> {
  const admin = new Client({ connectionString: url })
  await admin.connect()
  try {
    return await run(admin)
  } finally {
    await admin.end()
  }
}

/** A user of the server for one client alone, and how many statements it has run. */
async function counted(url: string): Promise<{ url: string; commands(): Promise<number> }> {
  const user = `coatcheck_${randomBytes(8).toString('hex')}`
  await asAdmin(url, async (admin) => {
    await admin.query(
      `SELECT pg_advisory_xact_lock(7); CREATE EXTENSION IF NOT EXISTS pg_stat_statements; CREATE ROLE ${user} LOGIN SUPERUSER`,
    )
  })
  const own = new URL(url)
  own.username = user
  const count = 'SELECT coalesce(sum(calls), 0) AS calls FROM pg_stat_statements WHERE userid = $1::regrole'
  return {
    url: own.href,
    commands: () => asAdmin(url, async (admin) => Number((await admin.query<{ calls: string }>(count, [user])).rows[0]?.calls)),
  }
}

/** Opens the store, and makes its table. */
async function opened(options: PostgresStoreOptions, close: () => Promise<void>, commands: () => Promise<number>): Promise<OpenedProfile> {
  const store = postgresStore({ silenceMs: 1_000, ...options })
  await store.migrate()
  return { store, commands, close }
}

export const postgres: StoreProfile = {
  name: 'postgres',
  servers: ['postgres'],
  async open([url = '']) {
    const own = await counted(url)
    const client = new Pool({ connectionString: own.url, connectionTimeoutMillis: 1_000 })
    return opened({ client }, () => client.end(), own.commands)
  },
  lacks: [noZeroes],
  words,
}

export const postgresWithPostgresJs: StoreProfile = {
  ...postgres,
  name: 'postgres, postgres.js',
  async open([url = '']) {
    const own = await counted(url)
    // Its default waits up to 20 s before it tries a server again.
    const client = postgresJs(own.url, { connect_timeout: 1, backoff: () => 0.1, fetch_types: false, onnotice: () => {} })
    return opened({ client }, () => client.end({ timeout: 0 }), own.commands)
  },
}
