import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import type { PoolConfig } from 'pg'
import { afterAll, describe, expect, it, test } from 'vitest'
import type { Server } from '../../scripts/servers/launch.ts'
import { startPostgres } from '../../scripts/servers/postgres.ts'
import type { SessionStore } from '../../src/index.ts'
import { storeContract } from '../../src/testing/store-contract.ts'
import { describeWith } from '../support/server.ts'
import { asAdmin, postgres } from './profiles/postgres.ts'
import { failureOf, newDatabase, newRow, onDatabase, openPostgres, postgresKind as kind, type SqlDatabase } from './sql-kinds.ts'

describeWith(['postgres'], 'postgresStore looks at its server', () => {
  const refused: [string, PoolConfig, Record<string, string>, RegExp][] = [
    ['a database that is not there', { database: 'nowhere' }, { code: 'store_unavailable' }, /create the database/],
    [
      'default_transaction_read_only, as a replica has it',
      { options: '-c default_transaction_read_only=on' },
      { code: 'store_unavailable' },
      /connect to the primary/,
    ],
  ]
  test.each(refused)('F-11 ready refuses %s, and so does put', (_name, config, error, message) =>
    onDatabase(kind, async (url, keep) => {
      const place = keep(openPostgres({ connectionString: url }))
      await place.store.migrate()
      const { pathname, port } = new URL(url)
      const other = keep(openPostgres({ host: '127.0.0.1', port: Number(port), user: 'postgres', database: pathname.slice(1), ...config }))
      for (const call of [() => other.store.ready?.(), () => other.store.put(newRow(), null)]) {
        expect(await failureOf(Promise.resolve(call()))).toMatchObject({ ...error, message: expect.stringMatching(message) })
      }
    }),
  )

  test('F-11 statement_timeout ends a write that waits, for good', () =>
    onDatabase(kind, async (url, keep) => {
      const place = keep(openPostgres({ connectionString: url, statement_timeout: 200 }))
      await place.store.migrate()
      const row = newRow()
      const version = await place.store.put(row, null)
      await asAdmin(url, async (other) => {
        await other.query('BEGIN')
        await other.query(kind.lockRow(row.id))
        expect(await failureOf(place.store.put({ ...row, body: '"late"' }, version))).toMatchObject({
          code: 'store_unavailable',
          message: expect.stringContaining('longer than statement_timeout'),
        })
        await other.query('COMMIT')
      })
      expect(await place.store.get(row.id)).toEqual({ ...row, version })
    }))

  test('O-01 an error quotes no session, also where the server adds parameters to it', () =>
    onDatabase(kind, async (url, keep) => {
      const options = '-c log_parameter_max_length_on_error=-1'
      const place = keep(openPostgres({ connectionString: url, statement_timeout: 200, options }))
      await place.store.migrate()
      const row = newRow({ body: 'of-the-body', user: 'of-the-user' })
      const version = await place.store.put(row, null)
      await asAdmin(url, async (other) => {
        await other.query('BEGIN')
        await other.query(kind.lockRow(row.id))
        const error = await failureOf(place.store.put(row, version))
        await other.query('COMMIT')
        expect(inspect(error, { depth: null })).toContain('statement timeout')
        expect(inspect(error, { depth: null })).not.toMatch(/of-the-/)
      })
    }))

  test('ready refuses an old server, an encoding that loses text, and a user who may not delete', () =>
    onDatabase(kind, async (url, keep) => {
      const place = keep(openPostgres({ connectionString: url }))
      await place.store.migrate()
      // A function of that name in front of the catalogue is as old as a server gets here.
      await place.query(`CREATE SCHEMA old; CREATE FUNCTION old.current_setting(text) RETURNS text LANGUAGE sql AS
        $$ SELECT CASE $1 WHEN 'server_version_num' THEN '90524' ELSE pg_catalog.current_setting($1) END $$`)
      const old = keep(openPostgres({ connectionString: url, options: '-c search_path=old,pg_catalog,public' }))
      const invalid = async (store: SessionStore, message: RegExp): Promise<void> =>
        expect(await failureOf(store.ready?.() as Promise<void>)).toMatchObject({
          code: 'config_invalid',
          message: expect.stringMatching(message),
        })
      await invalid(old.store, /9\.6 or newer, and this server says 90524; upgrade/)

      const reader = `reader_${new URL(url).pathname.slice(6)}`
      await place.query(`CREATE ROLE ${reader} LOGIN; GRANT SELECT, INSERT, UPDATE ON coatcheck_session TO ${reader}`)
      const limited = keep(openPostgres({ connectionString: url.replace('postgres@', `${reader}@`) }))
      await invalid(limited.store, /may not DELETE in coatcheck_session; GRANT/)
      expect(await failureOf(limited.store.delete('a'))).toMatchObject({ message: expect.stringContaining('grant the user') })

      const name = `ascii_${new URL(url).pathname.slice(6)}`
      await place.query(`CREATE DATABASE ${name} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0`)
      const ascii = keep(openPostgres({ connectionString: Object.assign(new URL(url), { pathname: `/${name}` }).href }))
      await ascii.store.migrate()
      await invalid(ascii.store, /encoding SQL_ASCII; make one with CREATE DATABASE/)
    }))

  // At these levels the server undoes what it cannot order, and says so: 40001.
  for (const level of ['repeatable read', 'serializable']) {
    const opened: SqlDatabase[] = []
    const open = (url: string): SessionStore => {
      const place = openPostgres({ connectionString: url, options: `-c default_transaction_isolation=${level.replace(' ', '\\ ')}` })
      opened.push(place)
      return place.store
    }
    afterAll(() => Promise.all(opened.map((place) => place.close())))
    storeContract(
      {
        name: `postgres, ${level}`,
        ...(postgres.lacks === undefined ? {} : { lacks: postgres.lacks }),
        async open() {
          const url = await newDatabase(kind)
          const store = open(url) as SqlDatabase['store']
          await store.migrate()
          return { store, second: open(url), reopen: async () => open(url), close: () => Promise.resolve() }
        },
      },
      { describe, it },
    )
  }
})

describeWith(['postgres'], 'postgresStore on a server of its own', () => {
  let server: Server | null = null
  afterAll(() => server?.stop())

  test('F-17 a wrong password is refused with advice, and the right one serves', async () => {
    server = await startPostgres()
    const place = openPostgres({ connectionString: server.url })
    await place.store.migrate()
    await place.query("CREATE ROLE app LOGIN SUPERUSER PASSWORD 'right'")
    const rules = join(server.folder, 'data', 'pg_hba.conf')
    writeFileSync(rules, `host all app 127.0.0.1/32 scram-sha-256\n${readFileSync(rules, 'utf8')}`)
    await place.query('SELECT pg_reload_conf()')
    await sleep(300)
    const address = server.url.replace('postgres@', 'app:right@')
    const wrong = openPostgres({ connectionString: address.replace('right', 'wrong') })
    for (const call of [() => wrong.store.ready?.(), () => wrong.store.get('a')]) {
      const error = await failureOf(Promise.resolve(call()))
      expect(error).toMatchObject({ code: 'store_unavailable', message: expect.stringContaining('check user and password') })
      expect(error.message).not.toContain('wrong')
    }
    const right = openPostgres({ connectionString: address })
    await right.store.ready?.()
    await Promise.all([place, wrong, right].map((one) => one.close()))
  })

  test('F-11 a server that turns read-only while in use refuses writes, reads on, and takes writes again by itself', async () => {
    server ??= await startPostgres()
    const place = openPostgres({ connectionString: server.url })
    await place.store.migrate()
    const row = newRow()
    const version = await place.store.put(row, null)
    const turn = async (value: string): Promise<void> => {
      appendFileSync(join(server?.folder ?? '', 'data', 'postgresql.auto.conf'), `default_transaction_read_only = ${value}\n`)
      await place.query('SELECT pg_reload_conf()')
      await sleep(300)
    }
    await turn('on')
    for (const call of [
      () => place.store.put({ ...row, body: '"new"' }, version),
      () => place.store.delete(row.id),
      () => place.store.ready?.(),
    ]) {
      expect(await failureOf(Promise.resolve(call()))).toMatchObject({
        code: 'store_unavailable',
        message: expect.stringContaining('connect to the primary'),
      })
    }
    expect(await place.store.get(row.id)).toEqual({ ...row, version })
    await turn('off')
    expect(await place.store.put({ ...row, body: '"new"' }, version)).not.toBeNull()
    await place.close()
  })
})
