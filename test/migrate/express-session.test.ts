import { createHmac } from 'node:crypto'
import { RedisStore } from 'connect-redis'
import express from 'express'
import session, { MemoryStore } from 'express-session'
import { Redis } from 'ioredis'
import { MongoClient } from 'mongodb'
import { Pool } from 'pg'
import { createClient } from 'redis'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { MoveIn } from '../../src/index.ts'
import { fromExpressSession, readExpressSessionId, type ExpressStore } from '../../src/migrate/express-session.ts'
import { describeWith, sharedServer } from '../support/server.ts'
import type { Golden } from './golden-cases.ts'
import { describeGolden, expectPlain, junkValues, opened } from './golden.ts'
import { describeMove, filled, listening } from './two-applications.ts'

const secret = 'keyboard cat'
const sid = 'Cdp60xWt7ewrGsQT8h7h1sTG8aaFU8Ee'
const nowMs = 1_700_000_001_000
/** As connect-pg-simple 10.0.0 and connect-mongo 6.0.0 wrote it. */
const recorded = '{"cookie":{"originalMaxAge":60000,"expires":"2026-11-27T01:48:07.032Z","httpOnly":true,"path":"/"},"a":{"b":[1,"é"]}}'
/** What express-session and connect-redis find no session in, or fail over. */
const unusual: Readonly<Record<string, string>> = {
  'express-session.bad.expired': '{"cookie":{"originalMaxAge":60000,"expires":"2023-11-14T22:14:20.000Z"},"foo":"bar"}',
  'express-session+connect-redis.bad.notjson': 'not JSON',
}

function valueOf(id: string, key = secret): string {
  return encodeURIComponent(`s:${id}.${createHmac('sha256', key).update(id).digest('base64').replace(/=+$/, '')}`)
}

const headerOf = (id: string, key = secret): string => `connect.sid=${valueOf(id, key)}`
const idIn = (header: string): string => /s%3A([\w-]+)/.exec(header)?.[1] ?? ''

/** Everything in a Map, as a client of Redis sees it. */
function inMemory(entries: Readonly<Record<string, string>> = {}) {
  const rows = new Map(Object.entries(entries))
  const asked: string[] = []
  const get = async (key: string) => (asked.push(key), rows.get(key) ?? null)
  return { rows, asked, get, del: async (key: string) => Number(rows.delete(key)) }
}

function storeFor({ id, cookie_header, stored }: Golden): ExpressStore {
  const text = (stored?.['memory_store'] ?? stored?.['redis'])?.value ?? unusual[id]
  const sid = idIn(cookie_header)
  if (id.includes('redis')) return inMemory(typeof text === 'string' ? { [`sess:${sid}`]: text } : {})
  const store = new MemoryStore()
  if (typeof text === 'string') store.set(sid, JSON.parse(text) as session.SessionData)
  return store
}

describe('with the real MemoryStore, at the time of each case', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
  afterEach(() => void vi.useRealTimers())

  describeGolden({
    file: 'express-session',
    readerFor(one) {
      vi.setSystemTime(one.verify?.now_ms ?? nowMs)
      return fromExpressSession({ secret: one.secret, cookieName: one.cookie_name, store: storeFor(one) })
    },
    differences: { 'express-session.odd': { '': 'empty', ' ': ' ', 'a.b': 1, constructor: 'c' } },
  })
})

describe('the id in a cookie', () => {
  const read = (value: string, key: string | readonly string[] = secret) => readExpressSessionId(value, { secret: key })

  test('T-07 is read with either of two secrets, and as it stands or percent-encoded', () => {
    expect(read(valueOf(sid))).toBe(sid)
    expect(read(valueOf(sid), ['newer', secret])).toBe(sid)
    expect(read(decodeURIComponent(valueOf(sid)))).toBe(sid)
  })

  test('M-01 another secret, no signature, an empty one, another spelling of the same: none', () => {
    const bare = decodeURIComponent(valueOf(sid))
    for (const value of [
      valueOf(sid, 'guessed'),
      sid,
      `s:${sid}`,
      `s:${sid}.`,
      bare.slice(2),
      `${valueOf(sid)}%3D`,
      `${bare}=`,
      bare.replaceAll('+', '-').replaceAll('/', '_'),
      valueOf(sid).replaceAll('%3A', '%3a'),
      valueOf(sid).replace('C', '%43'),
      `"${valueOf(sid)}"`,
      valueOf(''),
    ]) {
      expect(read(value), value).toBeNull()
    }
  })

  test('S0.5 junk is none, and throws nothing', () => {
    for (const value of junkValues) expect(read(value)).toBeNull()
    for (const value of [null, undefined, 7, {}]) expect(read(value as string)).toBeNull()
  })
})

describe('a session', () => {
  const text = '{"cookie":{"originalMaxAge":3600000},"a":1}'

  test('S0.6 M-01 an id that is not genuine, or signed but none of ours, never reaches the store', async () => {
    const redis = inMemory()
    const reader = fromExpressSession({ secret, store: redis })
    for (const id of ['short', '../../../../etc/passwd0', 'x'.repeat(129), `${sid}\n`, `${sid}:x`, 'é'.repeat(16)])
      expect(reader.verify({ all: () => [valueOf(id)], names: () => [] }, nowMs)).toBeNull()
    expect(await opened(reader, headerOf(sid, 'guessed'), nowMs)).toBeNull()
    expect(redis.asked).toEqual([])
    expect(await opened(reader, headerOf(sid), nowMs)).toBeNull()
    expect(redis.asked).toEqual([`sess:${sid}`])
  })

  test('an id of another shape is taken when the application says so', async () => {
    const redis = inMemory({ 'app:u-1/2': text })
    const own = { secret, store: redis, prefix: 'app:', id: /u-\d+\/\d+/g }
    const reader = fromExpressSession(own)
    for (let n = 0; n < 2; n++)
      expect(await opened(reader, headerOf('u-1/2'), nowMs)).toMatchObject({ identity: 'u-1/2', values: { a: 1 } })
    expect(await opened(reader, headerOf(sid), nowMs)).toBeNull()
  })

  test.each(['', '{', '5', 'null', '"text"', '[1]', '{}', '{"a":1}', '{"cookie":1}', '{"cookie":null,"a":1}', '{"cookie":[],"a":1}'])(
    'M-02 P-05 %s in the store is none',
    async (stored) => {
      expect(await opened(fromExpressSession({ secret, store: inMemory({ [`sess:${sid}`]: stored }) }), headerOf(sid), nowMs)).toBeNull()
    },
  )

  test('P-01 a key __proto__ is left out', async () => {
    const store = inMemory({ [`sess:${sid}`]: '{"cookie":{},"__proto__":{"x":1},"a":{"__proto__":{"x":1},"b":1},"toString":1}' })
    const values = (await opened(fromExpressSession({ secret, store }), headerOf(sid), nowMs))?.values
    expect(values).toEqual({ a: { b: 1 }, toString: 1 })
    expectPlain(values)
    expect({}).not.toHaveProperty('x')
  })

  test('the JSON says when it is over, but the store knows: touch renews only what is there', async () => {
    const store = inMemory({ [`sess:${sid}`]: '{"cookie":{"originalMaxAge":60000,"expires":"2000-01-01T00:00:00.000Z"},"a":1}' })
    const old = await opened(fromExpressSession({ secret, store }), headerOf(sid), nowMs)
    expect(old).toMatchObject({ values: { a: 1 }, expiresAt: nowMs + 60_000 })
    expect((await opened(fromExpressSession({ secret, store, keepOld: true }), headerOf(sid), nowMs))?.expiresAt).toBeNull()
    await old?.end?.()
    expect(store.rows.size).toBe(0)
  })

  test('a Store is asked as one whatever else it can, and so is a client of Redis', async () => {
    const never = () => expect.fail('asked as something else')
    const callback = (_id: string, call: (error: null, session: object) => void) => call(null, JSON.parse(text) as object)
    const store = Object.assign(new MemoryStore(), { get: callback, query: never, del: never, findOne: never, deleteOne: never })
    expect((await opened(fromExpressSession({ secret, store: store as never }), headerOf(sid), nowMs))?.values).toEqual({ a: 1 })
    const plain = { get: callback, destroy: callback, query: never }
    expect((await opened(fromExpressSession({ secret, store: plain as never }), headerOf(sid), nowMs))?.values).toEqual({ a: 1 })
    const redis = { ...inMemory({ [`sess:${sid}`]: text }), destroy: never }
    const old = await opened(fromExpressSession({ secret, store: redis }), headerOf(sid), nowMs)
    await old?.end?.()
    expect([old?.values, redis.rows.size]).toEqual([{ a: 1 }, 0])
  })

  test('a Store that has lost its file has no session; any other failure is one', async () => {
    const failing = (error: unknown): ExpressStore => ({
      get: (_id, callback) => callback(error),
      destroy: (_id, callback) => callback(error),
    })
    const read = (store: ExpressStore) => opened(fromExpressSession({ secret, store }), headerOf(sid), nowMs)
    expect(await read(failing(Object.assign(new Error('no file'), { code: 'ENOENT' })))).toBeNull()
    await expect(read(failing(new Error('down')))).rejects.toThrow('down')
    const rejecting = { get: async () => Promise.reject(new Error('gone')), destroy: async () => null }
    await expect(read(rejecting)).rejects.toThrow('gone')
  })
})

test.each([
  [{}],
  [{ secret: '' }],
  [{ secret: [] }],
  [{ store: undefined }],
  [{ store: {} }],
  [{ store: { get: () => null } }],
  [{ store: new MemoryStore(), prefix: 'sess:' }],
  [{ table: 'session' }],
  [{ store: { query: async () => ({ rows: [] }) }, table: 'session"; DROP TABLE x' }],
  [{ store: { query: async () => ({ rows: [] }) }, prefix: 'x' }],
  [{ id: '.*' }],
  [{ name: 'connect.sid' }],
  [{ sunset: 'soon' }],
])('M-01 config_invalid: %j', (wrong) => {
  const right = Object.keys(wrong).length === 0 ? {} : { secret, store: inMemory() }
  expect(() => fromExpressSession({ ...right, ...wrong } as never)).toThrowError(expect.objectContaining({ code: 'config_invalid' }))
})

/** Their application, and a reader of it. */
async function application(store: session.Store, ours: ExpressStore, close: () => Promise<unknown>, cookie: session.CookieOptions = {}) {
  const app = express()
  app.use(session({ secret, store, cookie, resave: false, saveUninitialized: false }))
  app.get('/set', (req, res) => {
    Object.assign(req.session, filled)
    res.json({})
  })
  app.get('/', (req, res) => {
    const { cookie: _cookie, ...values } = req.session
    res.json(values)
  })
  const server = await listening(app)
  return {
    url: server.url,
    reader: (options: object): MoveIn => fromExpressSession({ secret, store: ours, ...options }),
    close: async () => void (await Promise.all([server.close(), close()])),
  }
}

describeMove({
  title: 'from an Express application with express-session and its MemoryStore',
  stored: true,
  start() {
    const store = new MemoryStore()
    return application(store, store, async () => null)
  },
})

describeWith(['redis'], 'sessions in Redis', () => {
  describeMove({
    title: 'from connect-redis, through node-redis',
    stored: true,
    async start() {
      const client = createClient({ url: await sharedServer('redis') })
      await client.connect()
      return application(new RedisStore({ client }), client, () => client.close(), { maxAge: 3_600_000 })
    },
  })

  describeMove({
    title: 'from connect-redis, through ioredis, under a prefix',
    stored: true,
    async start() {
      const url = await sharedServer('redis')
      const [client, other] = [createClient({ url }), new Redis(url)]
      await client.connect()
      const old = await application(new RedisStore({ client, prefix: 'app:' }), other, () => Promise.all([client.close(), other.quit()]))
      return { ...old, reader: (options) => fromExpressSession({ secret, store: other, prefix: 'app:', ...options }) }
    },
  })

  test('the store itself can be passed as well, with its serializer', async () => {
    const client = createClient({ url: await sharedServer('redis') })
    await client.connect()
    const serializer = {
      parse: (text: string) => JSON.parse(atob(text)) as session.SessionData,
      stringify: (one: object) => btoa(JSON.stringify(one)),
    }
    const store = new RedisStore({ client, serializer, prefix: `own${Date.now()}:` })
    await store.set(sid, { cookie: { originalMaxAge: null }, a: 1 } as unknown as session.SessionData)
    const old = await opened(fromExpressSession({ secret, store }), headerOf(sid), Date.now())
    expect(old?.values).toEqual({ a: 1 })
    await old?.end?.()
    expect(await store.get(sid)).toBeNull()
    await client.close()
  })
})

describeWith(['postgres'], 'sessions in PostgreSQL, as connect-pg-simple lays them out', () => {
  test('M-05 json or jsonb, alive to the second, in a time zone of its own; ended, they are gone', async () => {
    const pool = new Pool({ connectionString: await sharedServer('postgres'), max: 1 })
    await pool.query("SET TIME ZONE 'Asia/Kathmandu'")
    await pool.query('CREATE SCHEMA IF NOT EXISTS moving')
    for (const type of ['json', 'jsonb', 'text']) {
      const table = `session_${type}`
      await pool.query(`DROP TABLE IF EXISTS moving.${table}`)
      await pool.query(`CREATE TABLE moving.${table} (sid varchar PRIMARY KEY, sess ${type} NOT NULL, expire timestamp(6) NOT NULL)`)
      const row = [sid, recorded, nowMs / 1000 + 60]
      await pool.query(`INSERT INTO moving.${table} (sid, sess, expire) VALUES ($1, $2, to_timestamp($3))`, row)
      const reader = fromExpressSession({ secret, store: pool, table: `moving.${table}` })
      const at = (ms: number) => opened(reader, headerOf(sid), ms)
      expect(await at(nowMs + 60_000)).toMatchObject({ values: { a: { b: [1, 'é'] } } })
      expect(await at(nowMs + 60_001)).toBeNull()
      await (await at(nowMs))?.end?.()
      expect(await at(nowMs)).toBeNull()
    }
    await pool.query('DROP SCHEMA moving CASCADE')
    await pool.end()
  })
})

describeWith(['mongodb'], 'sessions in MongoDB (the double), as connect-mongo lays them out', () => {
  test('M-05 text or an object, alive until its time, or without one; ended, they are gone', async () => {
    const client = new MongoClient(await sharedServer('mongodb'))
    const collection = client.db('moving').collection<{ _id: string; session: unknown; expires?: Date }>('sessions')
    const object = JSON.parse(recorded) as object
    const reader = fromExpressSession({ secret, store: collection })
    for (const session of [object, recorded]) {
      const at = (ms: number) => opened(reader, headerOf(sid), ms)
      await collection.insertOne({ _id: sid, session, expires: new Date(nowMs + 1) })
      expect(await at(nowMs)).toMatchObject({ values: { a: { b: [1, 'é'] } }, expiresAt: nowMs + 60_000 })
      expect(await at(nowMs + 1)).toBeNull()
      await (await at(nowMs))?.end?.()
      expect(await at(nowMs)).toBeNull()
      await collection.insertOne({ _id: sid, session })
      expect(await at(nowMs)).toMatchObject({ values: { a: { b: [1, 'é'] } } })
      await collection.deleteOne({ _id: sid })
    }
    await client.close()
  })
})
