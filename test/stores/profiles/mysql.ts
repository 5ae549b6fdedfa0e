import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Connection, createConnection, createPool, type PoolOptions } from 'mysql2/promise'
import { mysqlStore } from '../../../src/stores/mysql.ts'
import type { StoreProfile } from '../profile.ts'

/** Does something as somebody who is not counted. */
async function asAdmin<T>(url: string, run: (admin: Connection) => Promise<T>): Promise<T> {
  const admin = await createConnection(url)
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
    await admin.query('SET GLOBAL userstat = 1')
    await admin.query(`CREATE USER '${user}'@'127.0.0.1' IDENTIFIED BY 'coatcheck'`)
    await admin.query(`GRANT ALL ON *.* TO '${user}'@'127.0.0.1'`)
  })
  const own = new URL(url)
  own.username = user
  const count = `SELECT select_commands + update_commands + other_commands AS calls FROM information_schema.user_statistics WHERE user = '${user}'`
  return {
    url: own.href,
    commands: () =>
      asAdmin(url, async (admin) => {
        const [rows] = await admin.query(count)
        return Number((rows as { calls: number }[])[0]?.calls ?? 0)
      }),
  }
}

function opener(options: PoolOptions): StoreProfile['open'] {
  return async ([url = '']) => {
    const own = await counted(url)
    const client = createPool({ uri: own.url, connectTimeout: 1_000, ...options })
    const store = mysqlStore({ client, silenceMs: 1_000 })
    await store.migrate()
    // A connection that went silent does not answer a goodbye either, and mysql2 waits for it.
    return { store, commands: own.commands, close: () => Promise.race([client.end(), sleep(2_000)]) }
  }
}

export const mysql: StoreProfile = {
  name: 'mysql',
  servers: ['mysql'],
  open: opener({}),
  rowBytesMax: 2 ** 24,
  words: {
    limits: '16 MiB by the column; `limits.bytesMax` of the session and `max_allowed_packet` of the server come first',
    eviction: 'never; `sweep` drops what has expired',
    restart: 'every acknowledged write is there (with `innodb_flush_log_at_trx_commit = 1`, the default)',
    failover: 'what the new primary had got; until then writes reject, since a replica is read-only',
  },
}

/** With which the server counts only rows that an UPDATE changes. */
export const mysqlCountingChanges: StoreProfile = { ...mysql, name: 'mysql, without FOUND_ROWS', open: opener({ flags: ['-FOUND_ROWS'] }) }
