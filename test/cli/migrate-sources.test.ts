/** Every source that `--from` names, on a real store of its system. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Datastore } from '@google-cloud/datastore'
import { MongoClient } from 'mongodb'
import { createPool } from 'mysql2/promise'
import { Pool } from 'pg'
import { createClient } from 'redis'
import { describe, expect, test } from 'vitest'
import { sources } from '../../src/cli/sources/index.ts'
import { createSessions, type MoveIn } from '../../src/index.ts'
import { djangoUser, fromDjango } from '../../src/migrate/django.ts'
import { fromPhp } from '../../src/migrate/php.ts'
import { fromWebapp2, webapp2Datastore, writePickle, writeWebapp2Cookie } from '../../src/migrate/webapp2.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { goldenOf } from '../migrate/golden-cases.ts'
import { secret } from '../support/backends.ts'
import { googleClientOptions, warmed } from '../support/google.ts'
import { describeWith, sharedServer } from '../support/server.ts'
import { Visitor } from '../support/visitor.ts'
import { folder, ran } from './screen.ts'

const idOf = (n: number): string => `session-${String(n).padStart(20, '0')}`
const expressSession = (n: number) => JSON.stringify({ cookie: { originalMaxAge: null }, n, passport: { user: n } })

/** What the application sees of a visitor with this cookie, once everything has moved into its SQLite file. */
async function seen(cwd: string, reader: MoveIn, cookie: [string, string]): Promise<unknown> {
  const store = sqliteStore({ file: join(cwd, 'sessions.db') })
  const sessions = createSessions({ secret, store, moveIn: [reader] })
  const { result } = await new Visitor(sessions, new Map([cookie])).visit((session) => [session.user, Object.fromEntries(session)])
  const counts = sessions.moveInCounts()
  await sessions.close()
  // It had moved already, so that nothing is asked of the old store.
  expect(counts).toMatchObject([{ moved: 0, refused: 0 }])
  return result
}

const moved = (count: number) => expect.stringMatching(new RegExp(`^${count} sessions? of `))

describeWith(['redis'], 'in Redis', () => {
  test.each(['express-redis', 'fastify-redis', 'koa-redis'])('S3.4 %s', async (name) => {
    const url = await sharedServer('redis')
    const client = createClient({ url })
    await client.connect()
    const prefix = `${name}-${process.pid}:`
    const text = (n: number) =>
      name === 'koa-redis' ? JSON.stringify({ n, _expire: Date.now() + 60_000, _maxAge: 60_000 }) : expressSession(n)
    const keys = Array.from({ length: 7 }, (_, n) => prefix + idOf(n))
    for (const [n, key] of keys.entries()) await client.set(key, text(n), { EX: 60 })
    await client.set(`${prefix}${idOf(7)}`, '{')
    const result = await ran(`migrate --from ${name} --from-url ${url} --from-prefix ${prefix} --signed-in --limit 3 --to memory:`)
    expect(result).toMatchObject({ exit: 1, out: moved(7) })
    expect(result.out).toContain('(unreadable)')
    if (name === 'koa-redis') {
      // In a database that is not its own, what is no session's key is none of its business.
      await client.hSet(idOf(8), { a: 'b' })
      const all = await ran(`migrate --from ${name} --from-url ${url} --to memory: --dry-run`)
      await client.del(idOf(8))
      expect(all.out).toMatch(/^Dry run: /)
      expect(all.out).not.toContain('strange_id')
    }
    await client.del([...keys, `${prefix}${idOf(7)}`])
    client.destroy()
  })
})

describeWith(['redis'], 'in Redis, as other languages keep them', () => {
  test('S3.4 php-redis and django-cache', async () => {
    const url = await sharedServer('redis')
    const client = createClient({ url })
    await client.connect()
    const own = `cli-${process.pid}`
    const php = Array.from({ length: 5 }, (_, n) => `${own}-php:${'a'.repeat(25)}${n}`)
    for (const [n, key] of php.entries()) await client.set(key, `n|i:${n};`, { EX: 60 })
    const phpLine = `migrate --from php-redis --from-url ${url} --from-prefix ${own}-php: --limit 2 --to memory:`
    expect(await ran(phpLine)).toMatchObject({ exit: 0, out: moved(5) })
    const cached = goldenOf('django').filter(({ id, expect: { ok } }) => /^django(-new)?\.cache\./.test(id) && ok)
    const keys: string[] = []
    for (const { stored } of cached) {
      const { key, pickle_b64 } = (stored?.['cache'] ?? {}) as Record<'key' | 'pickle_b64', string>
      keys.push(own + key)
      await client.set(own + key, Buffer.from(pickle_b64, 'base64'), { EX: 60 })
    }
    const line = `migrate --from django-cache --from-url ${url} --from-prefix ${own} --signed-in --limit 2 --to memory:`
    expect(await ran(line)).toMatchObject({ exit: 0, out: moved(cached.length) })
    await client.del([...php, ...keys])
    client.destroy()
  })
})

describeWith(['postgres'], 'in PostgreSQL', () => {
  test.each(['express-pg', 'fastify-pg'])('S3.4 %s', async (name) => {
    const url = await sharedServer('postgres')
    const pool = new Pool({ connectionString: url })
    const table = `cli_${name.replace('-', '_')}_${process.pid}`
    await pool.query(`CREATE TABLE ${table} (sid varchar PRIMARY KEY, sess json NOT NULL, expire timestamp(6) NOT NULL)`)
    for (let n = 0; n < 7; n++)
      await pool.query(`INSERT INTO ${table} VALUES ($1, $2, now() + interval '1 hour')`, [idOf(n), expressSession(n)])
    const line = `migrate --from ${name} --from-url env:OLD --from-table ${table} --signed-in --limit 3 --to memory:`
    expect(await ran(line, { env: { OLD: url } })).toMatchObject({ exit: 0, out: moved(7) })
    const other = await ran(line.replace(table, 'no_such_table'), { env: { OLD: url } })
    expect(other).toMatchObject({ exit: 3, out: '', err: expect.stringMatching(/no_such_table.*does not exist/) })
    await pool.query(`DROP TABLE ${table}`)
    await pool.end()
  })
})

describeWith(['mongodb'], 'in MongoDB (the double)', () => {
  test.each(['express-mongo', 'fastify-mongo'])('S3.4 %s', async (name) => {
    const url = await sharedServer('mongodb')
    const client = new MongoClient(url)
    const collection = client.db().collection<{ _id: string; session: string; expires: Date }>(`cli-${name}-${process.pid}`)
    for (let n = 0; n < 7; n++)
      await collection.insertOne({ _id: idOf(n), session: expressSession(n), expires: new Date(Date.now() + 60_000) })
    const line = `migrate --from ${name} --from-url ${url} --from-table ${collection.collectionName} --limit 3 --to memory:`
    expect(await ran(line)).toMatchObject({ exit: 0, out: moved(7) })
    await client.close()
  })
})

test('S3.4 django-db: rows that Django wrote, of which some had ended; who was signed in there is here', async () => {
  const cwd = folder()
  const rows = goldenOf('django').filter(({ id, stored }) => /^django(-new)?\.db\./.test(id) && stored)
  const [{ secret: secretKey = '' } = {}] = rows
  const file = join(cwd, 'db.sqlite3')
  const database = new DatabaseSync(file)
  database.exec(
    'CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date datetime NOT NULL)',
  )
  const insert = database.prepare('INSERT INTO django_session VALUES (?, ?, ?)')
  for (const { id, stored } of rows) {
    const { session_key, session_data } = stored as unknown as Record<'session_key' | 'session_data', string>
    insert.run(session_key, session_data, id.endsWith('expired') ? '2020-01-01 00:00:00' : '2999-01-01 00:00:00')
  }
  insert.run('a'.repeat(32), 'eyJ1IjoxfQ:1r31eq:forged', '2999-01-01 00:00:00')
  writeFileSync(join(cwd, 'secret'), `${String(secretKey)}\n`, { mode: 0o600 })
  const line = 'migrate --from django-db --from-url sqlite:db.sqlite3 --secret-file secret --signed-in --limit 4 --to sqlite:sessions.db'
  const at = (path: string) => line.replaceAll('sqlite:', `sqlite:${path}/`)
  const good = rows.filter(({ expect: { ok } }) => ok)
  const result = await ran(at(cwd), { cwd })
  expect(result).toMatchObject({ exit: 1, out: moved(good.length) })
  expect(result.out).toContain('1 session was refused:')
  expect(result.out).toContain('(unreadable)')

  const reader = fromDjango({ secretKey: String(secretKey), database, allowUnsignedIds: true, map: djangoUser })
  const cookieOf = (id: string): [string, string] => [
    'sessionid',
    rows.find((one) => one.id === id)?.cookie_header.slice('sessionid='.length) ?? '',
  ]
  expect(await seen(cwd, reader, cookieOf('django-new.db.auth'))).toEqual(['42', {}])
  expect(await seen(cwd, reader, cookieOf('django.db.unicode'))).toEqual([null, { name: 'José 山田', 名: 'x' }])
  database.close()

  expect((await ran(at(cwd).replace('db.sqlite3', 'no.sqlite3'), { cwd })).err).toContain('there is no file')
  writeFileSync(join(cwd, 'secret'), 'another secret', { mode: 0o600 })
  const wrong = await ran(`${at(cwd)} --dry-run`, { cwd })
  expect([wrong.exit, wrong.out]).toEqual([1, expect.stringMatching(/^Dry run: 0 sessions/)])
})

describe.each(['postgres', 'mysql'] as const)('and in a database of %s', (kind) => {
  describeWith([kind], 'as Django has it', () => {
    test('S3.4 django-db, in a table of another name', async () => {
      const [url, table] = [await sharedServer(kind), `cli_django_${process.pid}`]
      const one = goldenOf('django').find(({ id }) => id === 'django-new.db.auth')
      const { session_key, session_data } = (one?.stored ?? {}) as unknown as Record<'session_key' | 'session_data', string>
      const pool = kind === 'postgres' ? new Pool({ connectionString: url }) : createPool({ uri: url })
      const query = (sql: string) => (pool as { query(sql: string): Promise<unknown> }).query(sql)
      await query(`CREATE TABLE ${table} (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamp NOT NULL)`)
      await query(`INSERT INTO ${table} VALUES ('${session_key}', '${session_data}', '2037-01-01 00:00:00')`)
      const line = `migrate --from django-db --from-url env:OLD --from-table ${table} --secret-env KEY --signed-in --to memory:`
      expect(await ran(line, { env: { OLD: url, KEY: String(one?.secret) } })).toMatchObject({ exit: 0, out: moved(1) })
      await query(`DROP TABLE ${table}`)
      await pool.end()
      // whatever a server quotes in its error, a secret is not printed.
      const { exit, err } = await ran(line, { env: { OLD: url, KEY: table } })
      const [, told = ''] = err.split('coatcheck: ')
      expect([exit, told.includes(table), told.includes('***')]).toEqual([3, false, true])
    })
  })
})

test('S3.4 php-files and django-files: a folder of theirs', async () => {
  const cwd = folder()
  const [php, django] = [join(cwd, 'php'), join(cwd, 'django')]
  mkdirSync(php)
  mkdirSync(django)
  const id = (n: number): string => `${'a'.repeat(25)}${n}`
  for (let n = 0; n < 5; n++) writeFileSync(join(php, `sess_${id(n)}`), `n|i:${n};`)
  writeFileSync(join(php, `sess_${id(9)}`), 'n|O:4:"Evil":0:{}')
  const result = await ran(`migrate --from php-files --from-folder ${php} --limit 2 --to sqlite:${cwd}/sessions.db`, { cwd })
  expect(result).toMatchObject({ exit: 1, out: moved(5) })
  expect(await seen(cwd, fromPhp({ folder: php, allowUnsignedIds: true }), ['PHPSESSID', id(3)])).toEqual([null, { n: 3 }])

  const files = goldenOf('django').filter(({ id }) => /^django(-new)?\.file\./.test(id))
  for (const { stored } of files) {
    const { file, text } = stored as unknown as Record<'file' | 'text', string>
    writeFileSync(join(django, file), text)
  }
  const line = `migrate --from django-files --from-folder ${django} --secret-env OLD_KEY --to memory:`
  expect(await ran(line, { cwd, env: { OLD_KEY: String(files[0]?.secret) } })).toMatchObject({ exit: 0, out: moved(files.length) })
})

describeWith(['datastore'], 'in the Datastore emulator', () => {
  test('S3.4 webapp2-datastore: entities as webapp2 writes them, beside those of others', async () => {
    const address = await sharedServer('datastore')
    const { host } = new URL(address)
    const project = `cli-${process.pid}`
    const datastore = new Datastore({ ...googleClientOptions, projectId: project, apiEndpoint: `http://${host}` })
    const key = (n: number) => datastore.key(['Session', String(n).padStart(22, 'A')])
    const saved = Array.from({ length: 7 }, (_, n) => ({
      key: key(n),
      data: { data: Buffer.from(writePickle({ n })), updated: new Date() },
    }))
    await warmed(address, () => datastore.save(saved))
    await datastore.save({ key: key(8), data: { data: Buffer.from('no pickle'), updated: new Date() } })
    await datastore.save({ key: datastore.key(['Session', 'a strange name']), data: { data: '{}', createdAt: new Date() } })
    const cwd = folder()
    const line = `migrate --from webapp2-datastore --from-url datastore://${host}/${project} --limit 3`
    const result = await ran(`${line} --to sqlite:${cwd}/sessions.db`, { cwd })
    expect(result).toMatchObject({ exit: 1, out: moved(7) })
    expect(result.out).toContain('2 sessions were refused:')
    const options = { secretKey: 'the key of webapp2', name: 'session' }
    const reader = fromWebapp2({ secretKey: options.secretKey, backend: webapp2Datastore({ datastore }) })
    const cookie = writeWebapp2Cookie({ _sid: String(3).padStart(22, 'A') }, options)
    expect(await seen(cwd, reader, ['session', cookie])).toEqual([null, { n: 3 }])
    // With a limit, what has not been written for longer is over.
    const late = fromWebapp2({ secretKey: options.secretKey, maxAge: 60, backend: webapp2Datastore({ datastore }) })
    await datastore.save({ key: key(0), data: { data: Buffer.from(writePickle({ n: 0 })), updated: new Date(Date.now() - 61_000) } })
    const page = await late.walk?.(null, 10)
    const loaded = await Promise.all((page?.tickets ?? []).map((ticket) => ticket.load()))
    expect(loaded.filter((one) => one !== null).length).toBe(6)
    await datastore.delete([...saved.map(({ key }) => key), key(8), datastore.key(['Session', 'a strange name'])])
  })
})

test('every source says what it is, and has an example that its own check takes', () => {
  for (const { holds, needs, takes, example } of Object.values(sources)) {
    expect(holds).not.toBe('')
    expect(example).not.toBe('')
    expect(new Set([...needs, ...takes]).size).toBe(needs.length + takes.length)
  }
})
