import { createPool, type Pool, type PoolConnection, type PoolOptions } from 'mysql2/promise'
import { createPool as createCallbackPool } from 'mysql2'
import { afterAll, describe, expect, it, test } from 'vitest'
import type { Server } from '../../scripts/servers/launch.ts'
import { startMysql } from '../../scripts/servers/mysql.ts'
import type { SessionStore } from '../../src/index.ts'
import { type MysqlPool, type MysqlStoreOptions, mysqlStore } from '../../src/stores/mysql.ts'
import { padded } from '../../src/stores/mysql/statements.ts'
import { storeContract } from '../../src/testing/store-contract.ts'
import { describeWith } from '../support/server.ts'
import { failureOf, mysqlKind as kind, newRow, onDatabase, openMysql, type SqlDatabase, useAll } from './sql-kinds.ts'

describe('mysqlStore throws config_invalid for', () => {
  const client = createPool({})
  const callbacks = createCallbackPool({})
  afterAll(() => Promise.all([client.end(), callbacks.promise().end()]))
  test.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /takes an object/],
    ['no client', {}, /needs a client: a pool of 'mysql2\/promise'/],
    ['a URL', { client: 'mysql://localhost' }, /needs a client/],
    ['a pool with callbacks', { client: callbacks }, /write client: pool\.promise\(\)/],
    ['an unknown option', { client, tabel: 'x' }, /no option tabel; write one of client, table/],
    ...['', 'a b', 'a.b', 'Session', '1a', 'a`b', 'ä', 'a'.repeat(65), 7].map(
      (table) => [`the table ${JSON.stringify(table)}`, { client, table }, /table must match/] as [string, unknown, RegExp],
    ),
    ['silenceMs 0', { client, silenceMs: 0 }, /silenceMs must be a whole number/],
  ])('%s', (_name, options, message) => {
    expect(() => mysqlStore(options as MysqlStoreOptions)).toThrow(
      expect.objectContaining({ code: 'config_invalid', message: expect.stringMatching(message) }),
    )
  })
})

test('lists are padded to powers of two with what they end with', () => {
  expect([0, 1, 2, 3, 5, 8, 9].map((length) => padded(Array.from({ length }, (_, n) => n)).length)).toEqual([0, 1, 2, 4, 8, 8, 16])
  expect(padded(['a', 'b', 'c'])).toEqual(['a', 'b', 'c', 'c'])
})

describeWith(['mysql'], 'mysqlStore', () => {
  const odd: [string, PoolOptions][] = [
    ['speaks latin1', { charset: 'LATIN1_SWEDISH_CI' }],
    ['casts nothing', { typeCast: false }],
    ['casts bytes to text', { typeCast: (field, next) => (/BLOB|STRING/.test(field.type) ? field.string('utf8') : next()) }],
    [
      'nests tables, names placeholders and reads numbers as text',
      { nestTables: true, namedPlaceholders: true, supportBigNumbers: true, bigNumberStrings: true },
    ],
    ['compiles no parsers', { disableEval: true, rowsAsArray: false }],
    ['counts changed rows only', { flags: ['-FOUND_ROWS'] }],
  ]
  test.each(odd)('works with a pool that %s', (_name, options) =>
    onDatabase(kind, async (url, keep) => {
      const { store } = keep(openMysql({ uri: url, ...options }))
      await store.migrate()
      await useAll(store)
    }),
  )

  test('cuts nothing, however lenient the server is', () =>
    onDatabase(kind, async (url, keep) => {
      const place = keep(openMysql({ uri: url, connectionLimit: 1 }))
      await place.query("SET SESSION sql_mode = ''")
      await place.store.migrate()
      await useAll(place.store)
      for (const long of [{ id: 'x'.repeat(65) }, { user: '李'.repeat(513) }]) {
        expect(await failureOf(place.store.put(newRow(long), null))).toMatchObject({
          code: 'value_invalid',
          message: expect.stringContaining('64 bytes and a user 1536'),
        })
      }
      expect(await place.query('SELECT id FROM coatcheck_session')).toEqual([])
    }))

  test('ready refuses a table that another engine keeps, connections that commit nothing, and those of no database', () =>
    onDatabase(kind, async (url, keep) => {
      const place = keep(openMysql({ uri: url, connectionLimit: 1 }))
      await place.store.migrate()
      const invalid = async (store: SessionStore, message: RegExp): Promise<void> =>
        expect(await failureOf(store.ready?.() as Promise<void>)).toMatchObject({
          code: 'config_invalid',
          message: expect.stringMatching(message),
        })
      await place.query('SET autocommit = 0')
      await invalid(place.store, /autocommit is off, so that nothing would be kept/)
      await place.query('SET autocommit = 1')
      await place.query('ALTER TABLE coatcheck_session DROP INDEX user_id, ENGINE = MyISAM, ROW_FORMAT = DEFAULT')
      await invalid(place.store, /engine MyISAM; ALTER TABLE coatcheck_session ENGINE = InnoDB/)
      await invalid(keep(openMysql({ uri: url.replace(/\/\w+$/, '/') })).store, /no database; name one in the URL/)
    }))

  const refused: [string, (url: string) => string, RegExp][] = [
    ['a wrong password', (url) => url.replace('coatcheck:coatcheck', 'coatcheck:wrong'), /check user and password/],
    ['a database that is not there', (url) => url.replace(/\/\w+$/, '/nowhere'), /create the database/],
  ]
  test.each(refused)('F-17 %s is refused with advice', (_name, address, message) =>
    onDatabase(kind, async (url, keep) => {
      const { store } = keep(openMysql({ uri: address(url) }))
      for (const call of [() => store.ready?.(), () => store.get('a')]) {
        expect(await failureOf(Promise.resolve(call()))).toMatchObject({
          code: 'store_unavailable',
          message: expect.stringMatching(message),
        })
      }
    }),
  )

  test('a statement that the server undid in a deadlock is done again', () =>
    onDatabase(kind, async (url, keep) => {
      const other = keep(openMysql({ uri: url, connectionLimit: 1 }))
      await other.store.migrate()
      const rows = ['a', 'b'].map((id) => newRow({ id, expiresAt: 1 }))
      for (const row of rows) await other.store.put(row, null)
      await other.query('CREATE TABLE weight (n int)')
      const client = createPool(url)
      keep({ close: () => client.end() })
      let deletions = 0
      let deadlocked: Promise<unknown> = Promise.resolve()
      const store = mysqlStore({
        client: before(client, async (sql) => {
          if (!sql.startsWith('DELETE') || ++deletions > 1) return
          // Heavier than the deletion, so that the server undoes that; it locks b, and asks for a once the deletion has a.
          await other.query('BEGIN')
          await other.query('INSERT INTO weight SELECT seq FROM seq_1_to_1000')
          await other.query(kind.lockRow('b'))
          deadlocked = new Promise((resolve) => setTimeout(resolve, 200))
            .then(() => other.query(kind.lockRow('a')))
            .then(() => other.query('COMMIT'))
        }),
      })
      expect(await store.sweep?.(2, 10)).toBe(2)
      await deadlocked
      expect(deletions).toBe(2)
    }))
})

/** The pool, with something that happens before each statement. */
function before(pool: Pool, happens: (sql: string) => Promise<void>): MysqlPool {
  return {
    async getConnection() {
      const connection: PoolConnection = await pool.getConnection()
      return {
        async execute(statement) {
          await happens(statement.sql)
          return connection.execute(statement)
        },
        release: () => connection.release(),
        destroy: () => connection.destroy(),
      }
    },
  }
}

describeWith(['mysql'], 'mysqlStore on a server of its own', () => {
  const servers: Server[] = []
  const places: SqlDatabase[] = []
  const start = async (...settings: string[]): Promise<string> => {
    const server = await startMysql(settings)
    servers.push(server)
    return server.url
  }
  const open = (url: string, connectionLimit = 10): SqlDatabase => {
    const place = openMysql({ uri: url, connectionLimit })
    places.push(place)
    return place
  }
  afterAll(async () => {
    await Promise.all(places.map((place) => place.close()))
    await Promise.all(servers.map((server) => server.stop()))
  })

  test('ready refuses one that is too old', async () => {
    const { store } = open(await start('--version=5.7.44-log'))
    expect(await failureOf(store.ready?.() as Promise<void>)).toMatchObject({
      code: 'config_invalid',
      message: expect.stringMatching(/needs MySQL 8\.0 or MariaDB 10\.6, or newer, and this is 5\.7\.44-log; upgrade/),
    })
  })

  test('F-11 one that becomes a replica refuses writes, reads on, and takes writes again by itself', async () => {
    const url = await start()
    const admin = open(url)
    await admin.store.migrate()
    await admin.query("CREATE USER app@127.0.0.1 IDENTIFIED BY 'app'")
    await admin.query('GRANT SELECT, INSERT, UPDATE, DELETE ON coatcheck.* TO app@127.0.0.1')
    const { store, query } = open(url.replace('coatcheck:coatcheck', 'app:app'), 1)
    const connection = async (): Promise<unknown> => (await query('SELECT connection_id() AS id'))[0]?.['id']
    const row = newRow()
    const version = await store.put(row, null)
    await admin.query('SET GLOBAL read_only = 1')
    const before = await connection()
    for (const call of [() => store.put({ ...row, body: '"new"' }, version), () => store.delete(row.id), () => store.ready?.()]) {
      expect(await failureOf(Promise.resolve(call()))).toMatchObject({
        code: 'store_unavailable',
        message: expect.stringContaining('connect to the primary'),
      })
    }
    expect(await store.get(row.id)).toEqual({ ...row, version })
    expect(await connection(), 'another connection may lead to the primary').not.toBe(before)
    await admin.query('SET GLOBAL read_only = 0')
    expect(await store.put({ ...row, body: '"new"' }, version)).not.toBeNull()
    expect(
      await failureOf(
        store
          .migrate()
          .then(() => admin.query('DROP TABLE coatcheck_session'))
          .then(() => store.migrate()),
      ),
    ).toMatchObject({
      code: 'store_unavailable',
      message: expect.stringContaining('and CREATE for migrate()'),
    })
  })

  test('a session that is too large for the server is session_too_large, and the next is served', async () => {
    const { store } = open(await start('--max-allowed-packet=1M'))
    await store.migrate()
    expect(await failureOf(store.put(newRow({ body: 'x'.repeat(3_000_000) }), null))).toMatchObject({ code: 'session_too_large' })
    expect(await store.put(newRow({ body: 'x'.repeat(500_000) }), null)).not.toBeNull()
  })

  storeContract(
    {
      name: 'mysql, serializable and strict about snapshots',
      async open() {
        const url = await start('--transaction-isolation=SERIALIZABLE', '--innodb-snapshot-isolation=ON')
        const { store } = open(url)
        await store.migrate()
        return { store, second: open(url).store, reopen: async () => open(url).store, close: () => Promise.resolve() }
      },
    },
    { describe, it },
  )
})
