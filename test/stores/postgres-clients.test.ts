import { Client, Pool } from 'pg'
import postgresJs from 'postgres'
import { describe, expect, test } from 'vitest'
import { type PostgresStoreOptions, postgresStore } from '../../src/stores/postgres.ts'
import { describeWith } from '../support/server.ts'
import { newRow, onDatabase, postgresKind as kind, useAll } from './sql-kinds.ts'

describe('postgresStore throws config_invalid for', () => {
  const client = new Pool()
  test.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /takes an object/],
    ['no client', {}, /needs a client: a Pool of 'pg'/],
    ['a URL', { client: 'postgres://localhost' }, /needs a client/],
    ['an unknown option', { client, tabel: 'x' }, /no option tabel; write one of client, table/],
    ...['', 'a b', 'a.b.c', '.a', 'a.', 'Session', '1a', 'a"b', "a'b", 'ä', 'a'.repeat(51), 7].map(
      (table) => [`the table ${JSON.stringify(table)}`, { client, table }, /table must match/] as [string, unknown, RegExp],
    ),
    ['prepare in words', { client, prepare: 'no' }, /prepare must be true or false/],
    ['silenceMs 0', { client, silenceMs: 0 }, /silenceMs must be a whole number/],
  ])('%s', (_name, options, message) => {
    expect(() => postgresStore(options as PostgresStoreOptions)).toThrow(
      expect.objectContaining({ code: 'config_invalid', message: expect.stringMatching(message) }),
    )
  })
})

describeWith(['postgres'], 'postgresStore', () => {
  /** With clients of one's own making, which are ended. */
  const on = (run: (url: string, opened: <T extends { end(): Promise<void> }>(client: T) => T) => Promise<void>): Promise<void> =>
    onDatabase(kind, (url, keep) =>
      run(url, (client) => {
        keep({ close: () => client.end() })
        return client
      }),
    )

  test('works with a pg that parses int8 as BigInt, and sends and gets bytes', () =>
    on(async (url, opened) => {
      const types = { getTypeParser: (oid: number) => (oid === 20 ? BigInt : (text: string) => text) }
      const store = postgresStore({ client: opened(new Pool({ connectionString: url, types: types as never })) })
      await store.migrate()
      await useAll(store)
    }))

  test('works with a postgres.js that renames columns, parses int8 and does not look up types', () =>
    on(async (url, opened) => {
      const client = opened(
        postgresJs(url, { transform: postgresJs.camel, types: { bigint: postgresJs.BigInt }, fetch_types: false, onnotice: () => {} }),
      )
      const store = postgresStore({ client })
      await store.migrate()
      await useAll(store)
    }))

  test('works with one Client, without prepared statements, and in a schema', () =>
    on(async (url, opened) => {
      const client = opened(new Client({ connectionString: url }))
      await client.connect()
      await client.query('CREATE SCHEMA web')
      const store = postgresStore({ client, table: 'web.session', prepare: false })
      await store.migrate()
      await useAll(store)
      const { rows } = await client.query("SELECT indexname FROM pg_indexes WHERE schemaname = 'web' ORDER BY indexname")
      expect(rows.map(({ indexname }) => indexname as string)).toEqual(['session_due', 'session_pkey', 'session_user'])
      expect((await client.query('SELECT * FROM pg_prepared_statements')).rows).toEqual([])
    }))

  test('prepares the statements of every request, and no more', () =>
    on(async (url, opened) => {
      const client = opened(new Client({ connectionString: url }))
      await client.connect()
      const stores = ['one', 'two'].map((table) => postgresStore({ client, table }))
      for (const store of stores) await store.migrate()
      for (const store of [...stores, ...stores]) await useAll(store)
      const { rows } = await client.query<{ statement: string }>('SELECT statement FROM pg_prepared_statements')
      const words = rows.map(({ statement }) => statement.split(' ')[0])
      expect(words.toSorted()).toEqual(['DELETE', 'INSERT', 'SELECT', 'UPDATE', 'UPDATE'].flatMap((word) => [word, word]))
    }))

  test('a session in use changes no index: its updates are HOT', () =>
    on(async (url, opened) => {
      const client = opened(new Client({ connectionString: url }))
      await client.connect()
      const store = postgresStore({ client })
      await store.migrate()
      const rows = await Promise.all(
        Array.from({ length: 200 }, async (_, n) => {
          const row = newRow({ body: `"${'x'.repeat(1_000)}"`, user: n % 2 === 0 ? null : `user ${n}` })
          return { row, version: await store.put(row, null) }
        }),
      )
      for (let round = 1; round <= 3; round++) {
        for (const one of rows) {
          one.version = await store.put({ ...one.row, expiresAt: one.row.expiresAt + round }, one.version)
          await store.touch?.(one.row.id, one.row.expiresAt + 1_000)
        }
      }
      await client.query('SELECT pg_stat_force_next_flush()')
      const { rows: counts } = await client.query<{ updates: string; hot: string }>(
        "SELECT n_tup_upd AS updates, n_tup_hot_upd AS hot FROM pg_stat_user_tables WHERE relname = 'coatcheck_session'",
      )
      expect(Number(counts[0]?.updates)).toBe(1_200)
      // All but a few; less room on the pages while somebody else (autovacuum) holds a snapshot. With an index on the expiry: none.
      expect(Number(counts[0]?.hot)).toBeGreaterThan(800)
    }))
})
