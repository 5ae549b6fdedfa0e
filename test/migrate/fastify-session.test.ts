import { createHmac } from 'node:crypto'
import { createRequire } from 'node:module'
import fastifyCookie, { Signer } from '@fastify/cookie'
import fastifySession from '@fastify/session'
import { RedisStore } from 'connect-redis'
import Fastify from 'fastify'
import { createClient } from 'redis'
import { describe, expect, test } from 'vitest'
import { fromFastifySession, readFastifySessionId, type ExpressStore } from '../../src/migrate/fastify-session.ts'
import { describeWith, sharedServer } from '../support/server.ts'
import { describeGolden, junkValues, opened } from './golden.ts'
import { describeMove, filled } from './two-applications.ts'

const secret = 'a secret with minimum length of 32 characters'
const sid = 'JKzaDVogEw9oNaTQjqpv0BRFiu1yDG-R'
const nowMs = 1_700_000_001_000

const valueOf = (id: string, key = secret): string => `${id}.${createHmac('sha256', key).update(id).digest('base64').replaceAll('=', '')}`
const headerOf = (id: string, key = secret): string => `sessionId=${valueOf(id, key)}`

function inMemory(entries: Readonly<Record<string, string>> = {}) {
  const rows = new Map(Object.entries(entries))
  const asked: string[] = []
  const get = async (key: string) => (asked.push(key), rows.get(key) ?? null)
  return { rows, asked, get, del: async (key: string) => Number(rows.delete(key)) }
}

describeGolden({
  file: 'fastify-session',
  readerFor({ secret, cookie_name, stored }) {
    const entry = stored?.['store']
    const expired = '{"cookie":{"expires":"2023-11-15T22:13:20.000Z","originalMaxAge":86400000},"foo":"bar"}'
    const store = inMemory({ [entry?.key ?? 'uGzmAd1PbcIWuf3FXr6aH0q0g4XgSPAl']: String(entry?.value ?? expired) })
    return fromFastifySession({ secret, cookieName: cookie_name, store, prefix: '' })
  },
})

describe('the id in a cookie', () => {
  const read = (value: string, options: object = {}) => readFastifySessionId(value, { secret, ...options })

  test('T-07 is read as it stands or percent-encoded, with an older secret, behind a prefix, with a signer', () => {
    expect(read(valueOf(sid))).toBe(sid)
    expect(read(encodeURIComponent(valueOf(sid)))).toBe(sid)
    expect(read(valueOf(sid), { secret: ['n'.repeat(32), secret] })).toBe(sid)
    expect(read(encodeURIComponent(`s:${valueOf(sid)}`), { cookiePrefix: 's:' })).toBe(sid)
    const signer = new Signer([Buffer.from(secret)], 'sha512')
    expect(read(signer.sign(sid), { secret: signer })).toBe(sid)
    expect(read(valueOf(sid), { secret: signer })).toBeNull()
    expect(read(valueOf(sid), { secret: { unsign: () => expect.fail('broken') } })).toBeNull()
  })

  test('M-01 another secret, no signature, an empty one, without the prefix, another spelling: none', () => {
    for (const value of [
      valueOf(sid, 'guessed'),
      sid,
      `${sid}.`,
      `${valueOf(sid)}=`,
      valueOf(sid).replaceAll('/', '_').replaceAll('+', '-'),
      valueOf(sid).replace('J', '%4A'),
      `s:${valueOf(sid)}`,
      valueOf(''),
    ]) {
      expect(read(value), value).toBeNull()
    }
    expect(read(valueOf(sid), { cookiePrefix: 's:' })).toBeNull()
  })

  test('S0.5 junk is none, and throws nothing', () => {
    for (const value of [...junkValues, null, undefined, 7]) expect(read(value as string)).toBeNull()
  })
})

describe('a session', () => {
  const read = (stored: string, at = nowMs) =>
    opened(fromFastifySession({ secret, store: inMemory({ [`sess:${sid}`]: stored }) }), headerOf(sid), at)

  test('S0.4 is over at the millisecond its cookie says, and not before', async () => {
    const stored = `{"cookie":{"expires":"${new Date(nowMs).toISOString()}","originalMaxAge":60000},"sessionId":"x","encryptedSessionId":"y","a":1}`
    expect(await read(stored, nowMs - 1)).toMatchObject({ identity: sid, values: { a: 1 }, expiresAt: nowMs + 59_999 })
    expect(await read(stored, nowMs)).toBeNull()
    expect(await read('{"cookie":{"expires":null,"originalMaxAge":null},"a":1}')).toMatchObject({ values: { a: 1 }, expiresAt: null })
  })

  test.each(['', '{', '[1]', 'null', '{"a":1}', '{"cookie":1}', '{"cookie":{"expires":"soon"}}'])(
    'M-02 P-05 %s in the store is none',
    async (stored) => {
      expect(await read(stored)).toBeNull()
    },
  )

  test('S0.6 M-01 an id that is not genuine, or signed but none of ours, never reaches the store', async () => {
    const store = inMemory()
    const reader = fromFastifySession({ secret, store })
    for (const header of [headerOf('short'), headerOf('../../../etc/passwd'), headerOf(sid, 'guessed')])
      expect(await opened(reader, header, nowMs)).toBeNull()
    expect(store.asked).toEqual([])
    expect(await opened(fromFastifySession({ secret, store, id: /short/ }), headerOf('short'), nowMs)).toBeNull()
    expect(store.asked).toEqual(['sess:short'])
  })
})

test.each([
  [{ secret: undefined }],
  [{ secret: null }],
  [{ secret: '' }],
  [{ store: undefined }],
  [{ cookiePrefix: 7 }],
  [{ table: 'x' }],
  [{ id: 'x' }],
  [{ salt: 'x' }],
])('M-01 config_invalid: %j', (wrong) => {
  expect(() => fromFastifySession({ secret, store: inMemory(), ...wrong } as never)).toThrowError(
    expect.objectContaining({ code: 'config_invalid' }),
  )
})

/** Their application, and a reader of it. */
async function application(store: object, ours: ExpressStore, close: () => Promise<unknown>) {
  const app = Fastify()
  await app.register(fastifyCookie)
  await app.register(fastifySession, {
    secret,
    store: store as never,
    cookie: { secure: false, maxAge: 3_600_000 },
    saveUninitialized: false,
  })
  app.get('/set', (request) => {
    Object.assign(request.session, filled)
    return {}
  })
  app.get('/', (request) => {
    const { cookie: _cookie, ...values } = request.session
    return values
  })
  return {
    url: await app.listen({ host: '127.0.0.1', port: 0 }),
    reader: (options: object) => fromFastifySession({ secret, store: ours, ...options }),
    close: async () => void (await Promise.all([app.close(), close()])),
  }
}

describeMove({
  title: 'from a Fastify application with @fastify/session in memory',
  stored: true,
  start() {
    const { Store } = createRequire(import.meta.url)('@fastify/session') as { Store: new () => ExpressStore }
    const store = new Store()
    return application(store, store, async () => null)
  },
})

describeWith(['redis'], 'sessions in Redis', () => {
  describeMove({
    title: 'from a Fastify application with @fastify/session and connect-redis',
    stored: true,
    async start() {
      const client = createClient({ url: await sharedServer('redis') })
      await client.connect()
      return application(new RedisStore({ client }), client, () => client.close())
    },
  })
})
