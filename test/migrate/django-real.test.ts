/** Django itself on the other side, and the databases and caches that it would use. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Redis } from 'ioredis'
import { createConnection, createPool } from 'mysql2/promise'
import { Pool } from 'pg'
import { createClient } from 'redis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pythonWith } from '../../scripts/servers/languages.ts'
import { fromDjango, readDjangoCookie, type DjangoOptions, type SqlDatabase } from '../../src/migrate/django.ts'
import { writePickle } from '../../src/migrate/pickle.ts'
import { TestMemcache } from '../support/memcache-client.ts'
import { describeWith, sharedServer } from '../support/server.ts'
import { goldenOf } from './golden-cases.ts'
import { opened } from './golden.ts'
import { inTest, oldProgram } from './old-programs.ts'
import { describeMove, filled } from './two-applications.ts'

const secretKey = 'a SECRET_KEY of Django: clé'
const nowMs = 1_700_000_001_000

const folder = mkdtempSync(join(tmpdir(), 'coatcheck-django-real-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Starts Django with its sessions in one of its engines. */
async function started(engine: string, settings: object = {}) {
  const all = { SECRET_KEY: secretKey, SESSION_ENGINE: `django.contrib.sessions.backends.${engine}`, ...settings }
  return oldProgram({
    name: 'django',
    command: (port) => [pythonWith('django', 'pymemcache') ?? '', inTest('python', 'django_app.py'), String(port)],
    env: { DJANGO_SETTINGS: JSON.stringify(all) },
  })
}

function inSqlite(name: string) {
  const file = join(folder, name)
  return { file, settings: { DATABASES: { default: { ENGINE: 'django.db.backends.sqlite3', NAME: file } } } }
}

function inMemcached(url: string) {
  const caches = {
    default: { BACKEND: 'django.core.cache.backends.memcached.PyMemcacheCache', LOCATION: new URL(url).host, KEY_PREFIX: 'moving' },
  }
  return { CACHES: caches }
}

async function memcached() {
  const client = await TestMemcache.connect(await sharedServer('memcached'))
  return { close: () => client.close(), cache: { get: (key: string) => client.gets(key), delete: (key: string) => client.delete(key) } }
}

describeWith(['django'], 'the real Django', () => {
  const moving = (engine: string, stored: boolean, options: () => DjangoOptions, settings: object = {}): void =>
    describeMove({
      title: `from a Django application with ${engine}`,
      stored,
      async start() {
        const server = await started(engine, settings)
        return { url: server.url, reader: (more) => fromDjango({ ...options(), ...more }), close: () => server.stop() }
      },
    })

  moving('signed_cookies', false, () => ({ secretKey }))
  moving('file', true, () => ({ secretKey, folder, allowUnsignedIds: true }), { SESSION_FILE_PATH: folder })
  const { file, settings } = inSqlite('moving.sqlite')
  moving('db', true, () => ({ secretKey, database: new DatabaseSync(file), allowUnsignedIds: true }), settings)

  describe('what JSON and pickles spell in their own ways', () => {
    const values = { _session_expiry: 300, big: 2n ** 70n, odd: [Number.NaN, '\ud800'], long: 'x'.repeat(3_000) }

    test.each(['JSONSerializer', 'PickleSerializer'])('M-05 P-04 comes along from signed_cookies with %s', async (name) => {
      const server = await started('signed_cookies', { SESSION_SERIALIZER: `django.contrib.sessions.serializers.${name}` })
      const [cookie = ''] = (await fetch(`${server.url}/types`)).headers.getSetCookie()
      const value = cookie.trim().slice('sessionid='.length).split(';')[0]
      expect(readDjangoCookie(value, { secretKey, serializer: name === 'JSONSerializer' ? 'json' : 'pickle' })).toEqual(values)
      await server.stop()
    })

    test('M-05 what Django 3 writes with DEFAULT_HASHING_ALGORITHM = sha1 is read where that is allowed', async () => {
      const { file, settings } = inSqlite('legacy.sqlite')
      const server = await started('db', { ...settings, DEFAULT_HASHING_ALGORITHM: 'sha1' })
      const [cookie = ''] = (await fetch(`${server.url}/set`)).headers.getSetCookie()
      const header = cookie.trim().split(';')[0] ?? ''
      const given = { secretKey, database: new DatabaseSync(file), allowUnsignedIds: true } as const
      expect(await opened(fromDjango(given), header, Date.now())).toBeNull()
      expect((await opened(fromDjango({ ...given, legacy: true }), header, Date.now()))?.values).toEqual(filled)
      await server.stop()
    })
  })
})

describeWith(['django', 'memcached'], 'the real Django on memcached', () => {
  let client: Awaited<ReturnType<typeof memcached>>
  beforeAll(async () => void (client = await memcached()))
  afterAll(() => client.close())

  for (const engine of ['cache', 'cached_db'] as const) {
    describeMove({
      title: `from a Django application with ${engine}`,
      stored: true,
      async start() {
        const { file, settings } = inSqlite('cached.sqlite')
        const server = await started(engine, { ...settings, ...inMemcached(await sharedServer('memcached')) })
        const table = engine === 'cached_db' ? { secretKey, database: new DatabaseSync(file) } : {}
        return {
          url: server.url,
          reader: (options) => fromDjango({ cache: client.cache, cachePrefix: 'moving', ...table, allowUnsignedIds: true, ...options }),
          close: () => server.stop(),
        }
      },
    })
  }
})

/** Reads, ends and walks what Django 5.2 wrote, in a table as its migrations make it. */
async function readsTable(database: SqlDatabase, run: (sql: string, values?: unknown[]) => Promise<unknown>, made: string, at: string) {
  const stored = goldenOf('django').filter(({ id }) => id.startsWith('django-new.db.') && !id.includes('.bad.'))
  await run('DROP TABLE IF EXISTS django_session')
  await run(made)
  const rows = stored.map(({ stored }) => stored as unknown as Record<'session_key' | 'session_data' | 'expire_date', string>)
  for (const { session_key, session_data } of rows) await run(at, [session_key, session_data])
  const reader = fromDjango({ secretKey: String(stored[0]?.secret), database, allowUnsignedIds: true })
  const end = Date.parse('2023-12-01T00:00:00.250Z')
  for (const { cookie_header } of stored) {
    expect(await opened(reader, cookie_header, end - 1)).toMatchObject({ expiresAt: end })
    expect(await opened(reader, cookie_header, end)).toBeNull()
  }
  const first = await reader.walk?.(null, 4)
  const last = await reader.walk?.(first?.cursor ?? null, 4)
  const walked = [...(first?.tickets ?? []), ...(last?.tickets ?? [])].map(({ identity }) => identity)
  expect(walked).toEqual(rows.map(({ session_key }) => session_key).toSorted())
  await (await opened(reader, stored[0]?.cookie_header ?? '', nowMs))?.end?.()
  expect(await opened(reader, stored[0]?.cookie_header ?? '', nowMs)).toBeNull()
  await run('DROP TABLE django_session')
}

describeWith(['postgres'], 'a table of Django in PostgreSQL', () => {
  test('M-05 S0.4 is read whatever the time zone of the connection', async () => {
    const pool = new Pool({ connectionString: await sharedServer('postgres'), max: 1 })
    await pool.query("SET TIME ZONE 'Asia/Kathmandu'")
    await readsTable(
      pool,
      (sql, values) => pool.query(sql, values),
      'CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamptz NOT NULL)',
      "INSERT INTO django_session VALUES ($1, $2, '2023-12-01 00:00:00.25+00')",
    )
    await pool.end()
  })
})

describeWith(['mysql'], 'a table of Django in MySQL', () => {
  test('M-05 S0.4 is read whatever the time zone of the client', async () => {
    const pool = createPool({ uri: await sharedServer('mysql'), timezone: '+05:45', connectionLimit: 1 })
    await pool.query("SET time_zone = '+09:00'")
    await readsTable(
      pool,
      (sql, values) => pool.query(sql, values),
      'CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data longtext NOT NULL, expire_date datetime(6) NOT NULL)',
      "INSERT INTO django_session VALUES (?, ?, '2023-12-01 00:00:00.250000')",
    )
    await pool.end()
  })

  test('M-05 is read by a connection too, which can prepare, as SQLite can', async () => {
    const connection = await createConnection({ uri: await sharedServer('mysql') })
    await readsTable(
      connection,
      (sql, values) => connection.query(sql, values),
      'CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data longtext NOT NULL, expire_date datetime(6) NOT NULL)',
      "INSERT INTO django_session VALUES (?, ?, '2023-12-01 00:00:00.250000')",
    )
    await connection.end()
  })
})

describeWith(['redis'], 'a cache of Django in Redis', () => {
  const key = 'm76d17bo2fhee0uuzofexiphb4sff457'
  const name = `moving:1:django.contrib.sessions.cache${key}`
  const pickle = Buffer.from(writePickle({ text: 'é', bytes: Uint8Array.of(0, 255) }))

  test('M-05 is read as bytes by node-redis and by ioredis as they are', async () => {
    const url = await sharedServer('redis')
    const redis = createClient({ url })
    await redis.connect()
    const ioredis = new Redis(url)
    for (const cache of [redis, ioredis]) {
      await redis.set(name, pickle)
      const found = await opened(fromDjango({ cache, cachePrefix: 'moving', allowUnsignedIds: true }), `sessionid=${key}`, nowMs)
      expect(found?.values).toEqual({ text: 'é', bytes: Uint8Array.of(0, 255) })
      await found?.end?.()
      expect(await redis.get(name)).toBeNull()
    }
    await redis.close()
    ioredis.disconnect()
  })
})
