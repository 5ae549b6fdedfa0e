import { createHash, createHmac } from 'node:crypto'
import { mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { deflateSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { createSessions } from '../../src/index.ts'
import { djangoUser, fromDjango, readDjangoCookie, type DjangoOptions, type DjangoSigning } from '../../src/migrate/django.ts'
import { writePickle } from '../../src/migrate/pickle.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import type { Golden } from './golden-cases.ts'
import { describeGolden, expectPlain, junkValues, opened, withBigInts } from './golden.ts'

const secretKey = 'django-insecure-fixture-key-0123456789abcdefghijklmnopqrstuv'
const nowMs = 1_700_000_001_000
const simple = 'eyJmb28iOiJiYXIifQ:1r31eq:T8QEJfDGKxNLmnuRAOQDW39oNTsImUgOe3wtWQcJNs4'
const key = 'm76d17bo2fhee0uuzofexiphb4sff457'
const cookieSalt = 'django.contrib.sessions.backends.signed_cookies'
const storedSalt = 'django.contrib.sessions.SessionStore'
const read = (value: string, options: Partial<DjangoSigning> & { now?: number } = {}) =>
  readDjangoCookie(value, { secretKey, now: nowMs, ...options })

/** As Django signs. */
function made(
  payload: string | Buffer,
  { salt = cookieSalt, time = '1r31eq', secret = secretKey, digest = 'sha256', deflate = false } = {},
): string {
  const bytes = Buffer.from(payload as string)
  const signed = `${deflate ? '.' : ''}${(deflate ? deflateSync(bytes) : bytes).toString('base64url')}:${time}`
  const derived = createHash(digest).update(`${salt}signer${secret}`).digest()
  return `${signed}:${createHmac(digest, derived).update(signed).digest('base64url')}`
}

/** As Django before 3.1 signed for its stores. */
function legacy(json: string, secret = secretKey): string {
  const derived = createHash('sha1').update(`django.contrib.sessionsSessionStore${secret}`).digest()
  return Buffer.from(`${createHmac('sha1', derived).update(json).digest('hex')}:${json}`).toString('base64')
}

const folders: string[] = []
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })))

function folderOf(files: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-django-'))
  folders.push(folder)
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, name), text)
    utimesSync(join(folder, name), nowMs / 1_000, nowMs / 1_000)
  }
  return folder
}

/** A table as Django makes it for SQLite. */
function tableOf(rows: readonly (readonly [key: string, data: string, expire: string])[]): DatabaseSync {
  const database = new DatabaseSync(':memory:')
  database.exec(
    'CREATE TABLE django_session (session_key varchar(40) NOT NULL PRIMARY KEY, session_data text NOT NULL, expire_date datetime NOT NULL)',
  )
  for (const row of rows) database.prepare('INSERT INTO django_session VALUES (?, ?, ?)').run(...row)
  return database
}

function cacheOf(entries: Readonly<Record<string, Uint8Array>> = {}) {
  const rows = new Map<string, unknown>(Object.entries(entries))
  const asked: string[] = []
  return {
    rows,
    asked,
    get: async (name: string) => (asked.push(name), rows.get(name) ?? null),
    del: async (name: string) => rows.delete(name),
  }
}

interface Stored {
  readonly session_key: string
  readonly session_data: string
  readonly expire_date: string
  readonly cache: { readonly key: string; readonly pickle_b64: string }
  readonly file: string
  readonly text: string
}

function readerFor({ system, secret, cookie_name, config, stored }: Golden) {
  const { session_key, session_data, expire_date, cache, file, text } = (stored ?? {}) as unknown as Partial<Stored>
  const given = { secretKey: secret, cookieName: cookie_name, allowUnsignedIds: true } as const
  const row = [session_key ?? '', session_data ?? '', (expire_date ?? '').replace('T', ' ').replace('+00:00', '')] as const
  const entries = cacheOf(cache === undefined ? {} : { [cache.key]: Buffer.from(cache.pickle_b64, 'base64') })
  if (system === 'django db') return fromDjango({ ...given, database: tableOf([row]) })
  if (system === 'django cache') return fromDjango({ ...given, cache: entries })
  if (system === 'django cached_db') return fromDjango({ ...given, cache: entries, database: tableOf([]) })
  if (system === 'django file') return fromDjango({ ...given, folder: folderOf(file === undefined ? {} : { [file]: text ?? '' }) })
  const cookieAge = Number(config?.['SESSION_COOKIE_AGE'] ?? 1_209_600)
  return fromDjango({ secretKey: secret, cookieName: cookie_name, cookieAge })
}

describeGolden({
  file: 'django',
  readerFor,
  asOurs: (values) => withBigInts(values) as Record<string, unknown>,
  flipped: ({ system }) => system === 'django signed_cookies',
  differences: { 'django-new.signed_cookies.bad.future': null },
})

describe('a signed cookie', () => {
  test('S0.4 lives for its age to the millisecond, and comes from no further ahead than clocks differ', async () => {
    const reader = fromDjango({ secretKey, cookieAge: 60 })
    const at = (now: number) => opened(reader, `sessionid=${simple}`, now)
    expect(await at(1_700_000_060_000)).toMatchObject({ values: { foo: 'bar' }, expiresAt: 1_700_000_060_000 })
    expect(await at(1_700_000_060_001)).toBeNull()
    expect(await at(1_699_999_940_000)).toMatchObject({ values: { foo: 'bar' } })
    expect(await at(1_699_999_939_999)).toBeNull()
  })

  test('M-01 M-02 T-08 for another key or salt, by an older algorithm, or spelled in another way, is none', () => {
    expect(read(simple)).toEqual({ foo: 'bar' })
    const [payload, time, signature] = simple.split(':') as [string, string, string]
    for (const value of [
      made('{"a":1}', { secret: 'guessed' }),
      made('{"a":1}', { salt: storedSalt }),
      made('{"a":1}', { salt: 'django.core.signing' }),
      made('{"a":1}', { digest: 'sha1' }),
      legacy('{"a":1}'),
      `${payload}:${time}:`,
      `${payload}:${signature}`,
      `${payload}:${time}:${signature}=`,
      `${payload}=:${time}:${signature}`,
      `${payload}:0${time}:${signature}`,
      `"${simple}"`,
      simple.replaceAll(':', '%3A'),
    ]) {
      expect(read(value), value).toBeNull()
    }
  })

  test('S0.5 junk is none, and throws nothing', () => {
    for (const value of [...junkValues, '::', 'a:b:c', null, undefined, 7]) {
      expect(read(value as string)).toBeNull()
      expect(read(value as string, { legacy: true, serializer: 'pickle' })).toBeNull()
    }
  })

  test('T-07 an older secret, SHA-1 and pickles are read where the application has them', () => {
    expect(read(simple, { secretKey: ['newer', Buffer.from(secretKey)] })).toEqual({ foo: 'bar' })
    expect(read(made('{"a":1}', { digest: 'sha1' }), { legacy: true })).toEqual({ a: 1 })
    expect(read(simple, { legacy: true })).toEqual({ foo: 'bar' })
    const pickled = made(Buffer.from(writePickle({ a: new Date(0), b: [1] })))
    expect(read(pickled, { serializer: 'pickle' })).toEqual({ a: new Date(0), b: [1] })
    expect(read(pickled)).toBeNull()
    expect(read(simple, { serializer: 'pickle' })).toBeNull()
  })

  test.each(['', '[1]', '"text"', 'null', '5', '{'])('M-02 signed, but no object: %s', (json) => {
    expect(read(made(json))).toBeNull()
    expect(read(made(json, { deflate: true }))).toBeNull()
  })

  test('M-02 D-04 deflated to too much, or a pickle that runs something: none', () => {
    expect(read(made(`{"a":"${'x'.repeat(2_000_000)}"}`, { deflate: true }))).toBeNull()
    const evil = Buffer.from("cos\nsystem\n(S'true'\ntR.", 'latin1')
    expect(read(made(evil), { serializer: 'pickle' })).toBeNull()
    expect(read(made(Buffer.from(writePickle([1]))), { serializer: 'pickle' })).toBeNull()
  })

  test('P-01 a key __proto__ is left out', () => {
    const found = read(made('{"a":{"__proto__":{"x":1}},"__proto__":{"x":1},"constructor":1}'))
    expect(found).toEqual({ a: {}, constructor: 1 })
    expectPlain(found)
  })

  test('M-03 of two cookies the last, as Django takes it; each is named by what was signed', async () => {
    const reader = fromDjango({ secretKey: [secretKey, 'older'] })
    const resigned = made('{"foo":"bar"}', { secret: 'older' })
    const both = await opened(reader, `sessionid=junk; sessionid=${simple}`, nowMs)
    expect(both?.values).toEqual({ foo: 'bar' })
    expect((await opened(reader, `sessionid=${resigned}`, nowMs))?.identity).toBe(both?.identity)
    expect((await opened(reader, `sessionid=${made('{"foo":"bar"}', { time: '1r31er' })}`, nowMs))?.identity).not.toBe(both?.identity)
  })
})

describe('a session in the table', () => {
  const row = (data: string, expire = '2023-12-01 00:00:00.500000') => fromTable([[key, data, expire]])
  const fromTable = (rows: Parameters<typeof tableOf>[0], options: Partial<DjangoOptions> = {}) =>
    fromDjango({ secretKey, database: tableOf(rows), allowUnsignedIds: true, ...options })
  const header = `sessionid=${key}`

  test('S0.4 lives until its expire_date, and is deleted when it has moved', async () => {
    const end = Date.parse('2023-12-01T00:00:00.500Z')
    const reader = row(made('{"a":1}', { salt: storedSalt }))
    expect(await opened(reader, header, end - 1_000)).toMatchObject({ identity: key, values: { a: 1 } })
    expect(await opened(reader, header, end + 1)).toBeNull()
    const found = await opened(reader, header, nowMs)
    expect(Math.abs((found?.expiresAt ?? 0) - end)).toBeLessThanOrEqual(1)
    await found?.end?.()
    expect(await opened(reader, header, nowMs)).toBeNull()
    const kept = fromTable([[key, made('{"a":1}', { salt: storedSalt }), '2023-12-01 00:00:00']], { keepOld: true })
    expect((await opened(kept, header, nowMs))?.expiresAt).toBeNull()
  })

  test('M-01 M-02 holds nothing when it was signed for something else, or with another key', async () => {
    for (const data of [
      made('{"a":1}'),
      made('{"a":1}', { salt: storedSalt, secret: 'guessed' }),
      legacy('{"a":1}'),
      '{"a":1}',
      '',
      Buffer.from('nothing').toString('base64'),
    ]) {
      expect(await opened(row(data), header, nowMs), data).toBeNull()
    }
  })

  test('what Django before 3.1 wrote is read where that is allowed, and nothing like it', async () => {
    const read = async (data: string) =>
      (await opened(fromTable([[key, data, '2023-12-01 00:00:00']], { legacy: true }), header, nowMs))?.values ?? null
    expect(await read(legacy('{"a":"é:"}'))).toEqual({ a: 'Ã©:' })
    expect(await read(made('{"a":1}', { salt: storedSalt, digest: 'sha1' }))).toEqual({ a: 1 })
    expect(await read(legacy('{"a":1}', 'guessed'))).toBeNull()
    expect(await read(`${legacy('{"a":1}')}=`)).toBeNull()
    expect(await read(legacy('{"a":1}').slice(4))).toBeNull()
  })

  test('S0.6 M-01 what is no session key never reaches it', async () => {
    const asked: string[] = []
    const database = { query: async (text: string, values: unknown[]) => (asked.push(`${text} ${values.join()}`), { rows: [] }) }
    const reader = fromDjango({ secretKey, database, allowUnsignedIds: true })
    for (const value of [...junkValues, simple, key.slice(1), `${key}a`, key.toUpperCase(), `${key.slice(1)}\n`])
      expect(await opened(reader, `sessionid=${value}`, nowMs)).toBeNull()
    expect(asked).toEqual([])
    expect(await opened(reader, header, nowMs)).toBeNull()
    expect(asked).toHaveLength(1)
    expect(asked[0]).toMatch(/FROM "django_session" WHERE session_key = \$1 m76d17/)
  })

  test('M-03 is walked a page at a time, each named as the cookie names it', async () => {
    const keys = Array.from({ length: 25 }, (_, n) => String(n).padStart(32, 'a')).toSorted()
    const rows = keys.map(
      (one, n) => [one, made(`{"n":${n}}`, { salt: storedSalt }), n === 3 ? '2020-01-01 00:00:00' : '2999-01-01 00:00:00'] as const,
    )
    const reader = fromTable(rows, { map: ({ n }) => ({ values: { n }, user: `u${String(n)}` }) })
    const found: unknown[] = []
    let cursor: string | null = null
    do {
      const page: Awaited<ReturnType<NonNullable<typeof reader.walk>>> = (await reader.walk?.(cursor, 10)) ?? { tickets: [], cursor: null }
      for (const ticket of page.tickets) found.push([ticket.identity, (await ticket.load())?.user ?? null])
      cursor = page.cursor
    } while (cursor !== null)
    expect(found).toEqual(keys.map((one, n) => [one, n === 3 ? null : `u${n}`]))
    expect((await opened(reader, `sessionid=${keys[7]}`, nowMs))?.identity).toBe(keys[7])
  })
})

describe('a session in a cache', () => {
  const name = `:1:django.contrib.sessions.cache${key}`
  const pickle = writePickle({ a: 1, _session_expiry: 60 })
  const header = `sessionid=${key}`

  test('S0.4 is read under its key, lives as long as Django would let it, and is deleted', async () => {
    const cache = cacheOf({ [name]: pickle, [`shop:7:django.contrib.sessions.cache${key}`]: writePickle({ b: 2 }) })
    const found = await opened(fromDjango({ cache, allowUnsignedIds: true }), header, nowMs)
    expect(found).toMatchObject({ values: { a: 1 }, expiresAt: nowMs + 60_000 })
    await found?.end?.()
    expect(cache.rows.size).toBe(1)
    const other = fromDjango({ cache, cachePrefix: 'shop', cacheVersion: 7, allowUnsignedIds: true })
    expect(await opened(other, header, nowMs)).toMatchObject({ values: { b: 2 }, expiresAt: nowMs + 1_209_600_000 })
    expect(fromDjango({ cache, allowUnsignedIds: true }).walk).toBeUndefined()
  })

  test.each([
    ['nothing', null],
    ['a pickle that runs something', Buffer.from("cos\nsystem\n(S'true'\ntR.")],
    ['no dict', writePickle([1])],
    ['a dict with numbers for keys', writePickle(new Map([[1, 2]]))],
    ['no pickle', Buffer.from('junk')],
  ])('M-02 P-05 %s is none', async (_what, bytes) => {
    expect(
      await opened(fromDjango({ cache: { get: async () => bytes, del: async () => 1 }, allowUnsignedIds: true }), header, nowMs),
    ).toBeNull()
  })

  test('clients answer bytes in their own ways; text is refused with what to do', async () => {
    const options = { allowUnsignedIds: true, cachePrefix: '' } as const
    const valued = { get: async () => ({ value: Buffer.from(pickle), flags: 1 }), delete: async () => true }
    expect(await opened(fromDjango({ ...options, cache: valued }), header, nowMs)).toMatchObject({ values: { a: 1 } })
    const missing = { get: async () => ({ value: null, flags: null }), delete: async () => true }
    expect(await opened(fromDjango({ ...options, cache: missing }), header, nowMs)).toBeNull()
    const textual = { get: async () => Buffer.from(pickle).toString(), del: async () => 1 }
    await expect(opened(fromDjango({ ...options, cache: textual }), header, nowMs)).rejects.toThrowError(
      expect.objectContaining({ code: 'config_invalid', message: expect.stringMatching(/answers a Buffer/) as string }),
    )
  })

  test('cached_db: the cache first, else the table; both are deleted', async () => {
    const cachedName = `:1:django.contrib.sessions.cached_db${key}`
    const cache = cacheOf({ [cachedName]: pickle })
    const database = tableOf([[key, made('{"table":1}', { salt: storedSalt }), '2999-01-01 00:00:00']])
    const reader = fromDjango({ secretKey, cache, database, allowUnsignedIds: true })
    const found = await opened(reader, header, nowMs)
    expect(found?.values).toMatchObject({ a: 1 })
    cache.rows.clear()
    expect((await opened(reader, header, nowMs))?.values).toEqual({ table: 1 })
    cache.rows.set(cachedName, pickle)
    await found?.end?.()
    expect([cache.rows.size, await opened(reader, header, nowMs)]).toEqual([0, null])
    expect((await reader.walk?.(null, 5))?.tickets).toEqual([])
  })
})

describe('a session in a file', () => {
  const header = `sessionid=${key}`
  const text = made('{"a":1}', { salt: storedSalt })
  const fromFolder = (folder: string, options: Partial<DjangoOptions> = {}) =>
    fromDjango({ secretKey, folder, allowUnsignedIds: true, ...options })

  test('S0.4 lives for SESSION_COOKIE_AGE since it was written, or as set_expiry said, and is deleted', async () => {
    const folder = folderOf({ [`sessionid${key}`]: text })
    const reader = fromFolder(folder, { cookieAge: 60 })
    expect(await opened(reader, header, nowMs + 59_999)).toMatchObject({ values: { a: 1 }, expiresAt: nowMs + 60_000 })
    expect(await opened(reader, header, nowMs + 60_000)).toBeNull()
    await (await opened(reader, header, nowMs))?.end?.()
    expect(await opened(reader, header, nowMs)).toBeNull()
    for (const [expiry, end] of [
      ['300', nowMs + 300_000],
      ['0', nowMs + 1_209_600_000],
      ['null', nowMs + 1_209_600_000],
      ['"2023-12-01T00:00:00+00:00"', Date.parse('2023-12-01')],
    ] as const) {
      const file = { [`sessionid${key}`]: made(`{"_session_expiry":${expiry}}`, { salt: storedSalt }) }
      expect((await opened(fromFolder(folderOf(file)), header, nowMs))?.expiresAt, expiry).toBe(end)
    }
  })

  test('S0.4 set_expiry with less than nothing has ended it, as for Django', async () => {
    const file = { [`sessionid${key}`]: made('{"_session_expiry":-1}', { salt: storedSalt }) }
    expect(await opened(fromFolder(folderOf(file)), header, nowMs)).toBeNull()
  })

  test('S0.5 M-01 no file, an empty, huge or foreign one, a folder or a link is none; what ends twice is no error', async () => {
    const folder = folderOf({ [`sessionid${key}`]: '', secret: text })
    const reader = fromFolder(folder)
    expect(await opened(reader, header, nowMs)).toBeNull()
    writeFileSync(join(folder, `sessionid${key}`), made(`{"a":"${'x'.repeat(800_000)}"}`, { salt: storedSalt }))
    expect(await opened(reader, header, nowMs)).toBeNull()
    rmSync(join(folder, `sessionid${key}`))
    expect(await opened(reader, header, nowMs)).toBeNull()
    symlinkSync(join(folder, 'secret'), join(folder, `sessionid${key}`))
    expect(await opened(reader, header, nowMs)).toBeNull()
    expect(await opened(fromFolder(join(folder, 'missing')), header, nowMs)).toBeNull()
    const twice = fromFolder(folderOf({ [`sessionid${key}`]: text }))
    const found = await opened(twice, header, nowMs)
    await found?.end?.()
    await found?.end?.()
  })

  test('M-03 is walked a page at a time, also on from a cursor of another process, and sees no other files', async () => {
    const keys = Array.from({ length: 12 }, (_, n) => String(n).padStart(32, 'a')).toSorted()
    const folder = folderOf({
      ...Object.fromEntries(keys.map((one) => [`sessionid${one}`, text])),
      [`sessionid${key}_out_x`]: text,
      other: text,
    })
    const reader = fromFolder(folder)
    const pages = [await reader.walk?.(null, 5)]
    pages.push(await reader.walk?.(pages[0]?.cursor ?? null, 5), await fromFolder(folder).walk?.(keys[9] ?? null, 5))
    expect(pages.map((page) => page?.tickets.map(({ identity }) => identity))).toEqual([
      keys.slice(0, 5),
      keys.slice(5, 10),
      keys.slice(10),
    ])
    expect(pages.map((page) => page?.cursor)).toEqual([keys[4], keys[9], null])
    expect((await opened(reader, `sessionid=${keys[0]}`, nowMs))?.identity).toBe(keys[0])
  })
})

test('M-03 moved in bulk, and then its visitor comes: one session, signed in', async () => {
  const rows = [key, 'b'.repeat(32)].map(
    (one, n) => [one, made(`{"_auth_user_id":"${n}","n":${n}}`, { salt: storedSalt }), '2999-01-01'] as const,
  )
  const old = fromDjango({ secretKey, database: tableOf(rows), allowUnsignedIds: true, map: djangoUser })
  const sessions = createSessions({ secret: 'a secret of thirty-two bytes or more', store: memoryStore(), moveIn: [old] })
  expect(await sessions.moveInPage('django', { limit: 1 })).toMatchObject({ moved: 1, total: 2 })
  expect(await sessions.moveInPage('django')).toMatchObject({ moved: 1, known: 1, refused: 0, cursor: null })
  const visit = sessions.visit({ method: 'GET', header: (name) => (name === 'cookie' ? `sessionid=${key}` : undefined) })
  const session = await visit.session()
  expect([session.user, Object.fromEntries(session)]).toEqual(['0', { n: 0 }])
  await sessions.close()
})

test('djangoUser: who is signed in, and what is left', () => {
  const auth = { _auth_user_backend: 'django.contrib.auth.backends.ModelBackend', _auth_user_hash: 'ab' }
  expect(djangoUser({ ...auth, _auth_user_id: '42', a: 1 })).toEqual({ values: { a: 1 }, user: '42' })
  expect(djangoUser({ ...auth, _auth_user_id: 42, a: 1 })).toEqual({ values: { a: 1 }, user: '42' })
  for (const user of [undefined, '', null, 1.5, ['7']]) {
    const values = { _auth_user_id: user, a: 1 }
    expect(djangoUser(values)).toEqual({ values, user: null })
  }
})

const database = tableOf([])

test.each([
  [{}],
  [{ secretKey: '' }],
  [{ secretKey, secret: 'x' }],
  [{ secretKey, serializer: 'yaml' }],
  [{ secretKey, legacy: 'yes' }],
  [{ secretKey, cookieAge: 0 }],
  [{ secretKey, allowUnsignedIds: true }],
  [{ secretKey, table: 'django_session' }],
  [{ secretKey, cachePrefix: 'x' }],
  [{ secretKey, database }],
  [{ database, allowUnsignedIds: true }],
  [{ secretKey, database: {}, allowUnsignedIds: true }],
  [{ secretKey, database: { promise: () => 1, execute: () => 1 }, allowUnsignedIds: true }],
  [{ secretKey, database, allowUnsignedIds: false }],
  [{ secretKey, database, table: 'a; DROP TABLE b', allowUnsignedIds: true }],
  [{ secretKey, database, folder: 'sessions', allowUnsignedIds: true }],
  [{ secretKey, folder: '', allowUnsignedIds: true }],
  [{ cache: {}, allowUnsignedIds: true }],
  [{ cache: { get: async () => null }, allowUnsignedIds: true }],
  [{ cache: cacheOf(), cacheVersion: '1', allowUnsignedIds: true }],
])('M-01 config_invalid: %#', (wrong) => {
  expect(() => fromDjango(wrong as never)).toThrowError(expect.objectContaining({ code: 'config_invalid' }))
})
