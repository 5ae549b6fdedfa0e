import { Server, type Request } from '@hapi/hapi'
import yar from '@hapi/yar'
import { Redis } from 'ioredis'
import { describe, expect, test } from 'vitest'
import { fromYar, readYarSession, type YarCache, type YarPassword, type YarRedis } from '../../src/migrate/yar.ts'
import { describeWith, sharedServer } from '../support/server.ts'
import { describeGolden, junkValues, opened } from './golden.ts'
import { sealed } from './sealed.ts'
import { describeMove, filled } from './two-applications.ts'

type Values = Record<string, unknown>

const password = 'complex_password_at_least_32_characters_long'
const nowMs = 1_700_000_001_000
const id = '19790f5e-cd6d-419f-8ada-afb5e76289fc'
const key = `hapi-cache:!%40hapi%2Fyar:${id}`

const made = (session: unknown): string => sealed(JSON.stringify(session), { password })
const headerOf = (session: unknown): string => `session=${made(session)}`
const read = (value: string) => readYarSession(value, { password, now: nowMs })

/** Everything in a Map, as a client of Redis sees it. */
function inMemory(entries: Readonly<Record<string, unknown>> = {}) {
  const rows = new Map(Object.entries(entries))
  const asked: string[] = []
  const get = async (key: string) => (asked.push(key), rows.get(key) ?? null)
  return { rows, asked, get, del: async (key: string) => rows.delete(key) }
}

const envelope = (item: unknown, { stored = nowMs, ttl = 1_000 } = {}): string => JSON.stringify({ item, stored, ttl })

describeGolden({
  file: 'yar',
  readerFor: ({ secret, cookie_name }) => fromYar({ password: secret as string, cookieName: cookie_name }),
})

describe('a session in the cookie', () => {
  test('M-03 is named by its id, and never ends by itself', async () => {
    const old = await opened(fromYar({ password }), headerOf({ id, _store: { a: 1 } }), nowMs)
    expect(old).toMatchObject({ identity: id, values: { a: 1 }, expiresAt: null })
    await expect(old?.end?.()).resolves.toBeUndefined()
  })

  test('comes with what was set lazily, and without the list of it', () => {
    expect(read(made({ id, _store: { a: 1, b: 2, _lazyKeys: ['b'], _flash: { error: ['e'] } } }))).toEqual({
      a: 1,
      b: 2,
      _flash: { error: ['e'] },
    })
  })

  test('M-01 another password, a password id, no id, values that are none, two cookies: none', async () => {
    const good = { id, _store: { a: 1 } }
    expect(read(made(good))).toEqual({ a: 1 })
    for (const value of [
      sealed(JSON.stringify(good), { password: 'another_password_that_is_32_chars_long!!' }),
      sealed(JSON.stringify(good), { password, id: 'a' }),
      sealed(JSON.stringify(good), { password: Buffer.alloc(32) }),
      `${made(good)}~2`,
      made({ ...good, id: '' }),
      made({ ...good, id: 5 }),
      made({ _store: { a: 1 } }),
      made({ id, _store: [1] }),
      made({ id, _store: null }),
      made([good]),
      made(null),
      sealed('{', { password }),
    ]) {
      expect(read(value), value).toBeNull()
    }
    expect(await opened(fromYar({ password }), `${headerOf(good)}; session=other`, nowMs)).toBeNull()
  })

  test('S0.5 junk is none, and throws nothing', () => {
    for (const value of [...junkValues, '*'.repeat(7), null, undefined, 7]) expect(read(value as string)).toBeNull()
  })

  test('T-07 a password that is bytes is the key itself', () => {
    const bytes = Buffer.alloc(32, 7)
    const value = sealed(JSON.stringify({ id, _store: { a: 1 } }), { password: bytes })
    expect(readYarSession(value, { password: bytes })).toEqual({ a: 1 })
    expect(readYarSession(value, { password: Buffer.alloc(32, 8) })).toBeNull()
    expect(read(value)).toBeNull()
    // The salts say nothing then, and the last of them is not in the MAC.
    const parts = value.split('*')
    expect(readYarSession(parts.with(6, 'a'.repeat(64)).join('*'), { password: bytes })).toBeNull()
  })

  test('P-01 a key __proto__ is left out', () => {
    const text = `{"id":"${id}","_store":{"a":{"__proto__":{"x":1}},"__proto__":{"x":1},"constructor":1}}`
    expect(read(sealed(text, { password }))).toEqual({ a: {}, constructor: 1 })
    expect({}).not.toHaveProperty('x')
  })
})

describe('a session in the cache', () => {
  const reader = (cache: YarCache | YarRedis, options: object = {}) => fromYar({ password, cache, ...options })

  test('M-01 S0.6 is not taken without one, and an id that is none never reaches it', async () => {
    expect(await opened(fromYar({ password }), headerOf({ id }), nowMs)).toBeNull()
    const redis = inMemory({ [key]: envelope({ a: 1 }) })
    for (const header of [headerOf({ id: 'short' }), headerOf({ id: `../${id}` }), headerOf({ id: `${id}\n` }), `session=${id}`]) {
      expect(await opened(reader(redis), header, nowMs)).toBeNull()
    }
    expect(redis.asked).toEqual([])
    expect(await opened(reader(redis), headerOf({ id }), nowMs)).toMatchObject({ identity: id, values: { a: 1 } })
    expect(redis.asked).toEqual([key])
  })

  test('S0.4 P-05 is over when its time is, and none when something else is stored', async () => {
    const open = (stored: unknown) => opened(reader(inMemory({ [key]: stored })), headerOf({ id }), nowMs)
    expect((await open(envelope({ a: 1, _lazyKeys: [] }, { stored: nowMs - 999 })))?.values).toEqual({ a: 1 })
    expect(await open(envelope({ a: 1 }, { stored: nowMs - 1_000 }))).toBeNull()
    for (const stored of [envelope(null), envelope('text'), envelope([1]), '{}', '{', 'null', '5', 5, { item: { a: 1 } }])
      expect(await open(stored), JSON.stringify(stored)).toBeNull()
  })

  test('M-03 ends there, also when the values were in the cookie', async () => {
    const redis = inMemory({ 'own:u%2F1': envelope({ a: 1 }) })
    const own = reader(redis, { prefix: 'own:', id: /u\/\d+/ })
    const old = await opened(own, headerOf({ id: 'u/1', _store: { b: 2 } }), nowMs)
    expect(old?.values).toEqual({ b: 2 })
    expect(redis.asked).toEqual([])
    await old?.end?.()
    expect(redis.rows.size).toBe(0)
    expect(await opened(own, headerOf({ id: 'u/1' }), nowMs)).toBeNull()
  })
})

test.each([
  [{ password: undefined }],
  [{ password: 'short' }],
  [{ password: new Uint8Array(31) }],
  [{ cache: {} }],
  [{ cache: null }],
  [{ prefix: 'x' }],
  [{ cache: { get() {}, drop() {} }, prefix: 'x' }],
  [{ cache: { get() {}, del() {} }, prefix: 5 }],
  [{ id: /x/ }],
  [{ cache: { get() {}, del() {} }, id: 'x' }],
  [{ name: 'session' }],
])('M-01 config_invalid: %j', (wrong) => {
  expect(() => fromYar({ password, ...wrong } as never)).toThrowError(expect.objectContaining({ code: 'config_invalid' }))
})

interface TheirOptions {
  readonly password?: YarPassword
  readonly maxCookieSize?: number
  /** An engine of catbox. */
  readonly engine?: object
}

async function application({ password: theirs = password, maxCookieSize = 1_024, engine }: TheirOptions, ours: (server: Server) => object) {
  const server = new Server({ host: '127.0.0.1', port: 0, ...(engine === undefined ? {} : { cache: { engine: engine as never } }) })
  const cookieOptions = { password: theirs as string, isSecure: false }
  await server.register({ plugin: yar, options: { maxCookieSize, storeBlank: false, cookieOptions } })
  const names = Object.keys(filled)
  server.route({
    method: 'GET',
    path: '/set',
    handler(request) {
      for (const [name, value] of Object.entries(filled)) request.yar.set(name, value)
      return {}
    },
  })
  const valuesOf = ({ yar }: Request): [string, unknown][] => names.map((name) => [name, yar.get(name)])
  const handler = (request: Request): Values => Object.fromEntries(valuesOf(request).filter(([, value]) => value !== null))
  server.route({ method: 'GET', path: '/', handler })
  const more = ours(server)
  await server.start()
  return {
    url: server.info.uri,
    reader: (options: object) => fromYar({ password: theirs, ...more, ...options }),
    close: async () => void (await server.stop()),
  }
}

describeMove({ title: 'from a hapi application with yar, in the cookie', stored: false, start: () => application({}, () => ({})) })

describeMove({
  title: 'from one whose password is bytes',
  stored: false,
  start: () => application({ password: Buffer.alloc(32, 7) }, () => ({})),
})

describeMove({
  title: 'from a hapi application with yar, in the cache of hapi',
  stored: true,
  start: () =>
    application({ maxCookieSize: 0 }, (server) => ({
      cache: server.cache({ segment: '!@hapi/yar', shared: true, expiresIn: 60_000 }),
    })),
})

/** Keeps what catbox gives it as catbox-redis 7 does. */
function redisEngine(client: Redis) {
  const keyOf = ({ segment, id }: { segment: string; id: string }): string => ['hapi-cache', segment, id].map(encodeURIComponent).join(':')
  return {
    start: async () => {},
    stop: async () => {},
    isReady: () => true,
    validateSegmentName: () => null,
    get: async (key: Parameters<typeof keyOf>[0]) => JSON.parse((await client.get(keyOf(key))) ?? 'null') as unknown,
    set: (key: Parameters<typeof keyOf>[0], item: unknown, ttl: number) =>
      client.set(keyOf(key), JSON.stringify({ item, stored: Date.now(), ttl }), 'PX', ttl),
    drop: (key: Parameters<typeof keyOf>[0]) => client.del(keyOf(key)),
  }
}

describeWith(['redis'], 'sessions in Redis', () => {
  describeMove({
    title: 'from a hapi application with yar, in the layout of catbox-redis',
    stored: true,
    async start() {
      const client = new Redis(await sharedServer('redis'))
      const old = await application({ maxCookieSize: 0, engine: redisEngine(client) }, () => ({ cache: client }))
      return { ...old, close: async () => void (await Promise.all([old.close(), client.quit()])) }
    },
  })
})
