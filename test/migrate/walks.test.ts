/** Old stores that name their sessions, for moving them in bulk. */
import { Redis } from 'ioredis'
import { MongoClient } from 'mongodb'
import { Pool } from 'pg'
import { createClient, createCluster } from 'redis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { MoveIn, MoveInWhy } from '../../src/index.ts'
import { fromExpressSession } from '../../src/migrate/express-session.ts'
import { fromFastifySession } from '../../src/migrate/fastify-session.ts'
import { fromKoaSession, type KoaStore } from '../../src/migrate/koa-session.ts'
import { describeWith, sharedServer } from '../support/server.ts'

const secret = 'a secret with minimum length of 32 characters'
const idOf = (n: number): string => `session-${String(n).padStart(20, '0')}`
const content = (n: number, maxAge: number | null = 999_000): string => JSON.stringify({ cookie: { originalMaxAge: maxAge }, n })

interface Found {
  readonly values: unknown
  readonly expiresAt: number | null
  readonly why: MoveInWhy | null
}

/** Everything a walk finds, by id. */
async function walked(reader: MoveIn, limit = 3): Promise<Map<string, Found>> {
  const found = new Map<string, Found>()
  let cursor: string | null = null
  do {
    const page: Awaited<ReturnType<NonNullable<MoveIn['walk']>>> | undefined = await reader.walk?.(cursor, limit)
    for (const ticket of page?.tickets ?? []) {
      let why: MoveInWhy | null = null
      const old = await ticket.load((said) => void (why = said))
      found.set(ticket.identity, { values: old?.values ?? null, expiresAt: old?.expiresAt ?? null, why })
    }
    cursor = page?.cursor ?? null
  } while (cursor !== null)
  return found
}

describeWith(['redis'], 'in Redis', () => {
  const prefix = `walk*[${process.pid}]?:`
  let [client, other]: [ReturnType<typeof createClient> | null, Redis | null] = [null, null]
  const stored = () => ({ client: client as NonNullable<typeof client>, other: other as NonNullable<typeof other> })

  beforeAll(async () => {
    const url = await sharedServer('redis')
    client = createClient({ url })
    await client.connect()
    other = new Redis(url)
    for (let n = 0; n < 20; n++) await client.set(prefix + idOf(n), content(n), { PX: 60_000 })
    await client.set(prefix + idOf(20), content(20))
    await client.set(prefix + idOf(21), 'no JSON')
    await client.set(`${prefix}strange`, content(1))
    // What the signs of the prefix would match, if they were a pattern.
    await client.set(`walkXXp:${idOf(1)}`, content(99))
  })
  afterAll(async () => {
    await client?.del([...Array.from({ length: 22 }, (_, n) => prefix + idOf(n)), `${prefix}strange`, `walkXXp:${idOf(1)}`])
    client?.destroy()
    other?.disconnect()
  })

  function expectAll(found: Map<string, Found>): void {
    expect(found.size).toBe(23)
    for (let n = 0; n < 20; n++) {
      const { values, expiresAt } = found.get(idOf(n)) as Found
      expect(values).toEqual({ n })
      // Not the 999 seconds of its cookie: Redis drops it before.
      expect(Math.abs((expiresAt ?? 0) - Date.now() - 60_000)).toBeLessThan(30_000)
      expect((expiresAt ?? 0) - Date.now()).toBeLessThanOrEqual(60_000)
    }
    expect(found.get(idOf(20))?.expiresAt).toBeGreaterThan(Date.now() + 900_000)
    expect(found.get(idOf(21))).toEqual({ values: null, expiresAt: null, why: 'unreadable' })
    expect(found.get('strange')).toEqual({ values: null, expiresAt: null, why: 'strange_id' })
  }

  test('S3.4 all sessions under the prefix and no others, through node-redis and ioredis, each as long as it lives there', async () => {
    for (const store of [stored().client, stored().other]) {
      const reader = fromExpressSession({ secret, store, prefix })
      expectAll(await walked(reader))
      expect(await reader.count?.()).toBeGreaterThanOrEqual(23)
    }
    expectAll(await walked(fromFastifySession({ secret, store: stored().client, prefix })))
  })

  test('ioredis with a prefix of its own in front of every key', async () => {
    const own = new Redis(await sharedServer('redis'), { keyPrefix: prefix.slice(0, 4) })
    expectAll(await walked(fromExpressSession({ secret, store: own, prefix: prefix.slice(4) })))
    own.disconnect()
  })

  test('what is asked for is what a visitor would be given: map, and what the old application goes on renewing', async () => {
    const { client: store } = stored()
    const map = ({ n }: { n?: unknown }) => (n === 3 ? null : { values: { was: n }, user: 'ada' })
    const found = await walked(fromExpressSession({ secret, store, prefix, keepOld: true, map }))
    expect(found.get(idOf(3))).toEqual({ values: null, expiresAt: null, why: 'unwanted' })
    expect(found.get(idOf(4))).toEqual({ values: { was: 4 }, expiresAt: null, why: null })
  })

  test('one that ended meanwhile is over', async () => {
    const { client: store } = stored()
    const page = await fromExpressSession({ secret, store, prefix }).walk?.(null, 1_000)
    await store.del(prefix + idOf(19))
    const ticket = page?.tickets.find(({ identity }) => identity === idOf(19))
    let why: MoveInWhy | null = null
    expect([await ticket?.load((said) => void (why = said)), why]).toEqual([null, null])
    await store.set(prefix + idOf(19), content(19), { PX: 60_000 })
  })

  test('a client of a Cluster, or a bare one, has no walk: its visitors move as they arrive', async () => {
    const cluster = createCluster({ rootNodes: [{ url: 'redis://127.0.0.1:1' }] })
    for (const store of [cluster, { get: async () => null, del: async () => 0 }])
      expect(fromExpressSession({ secret, store: store as never }).walk).toBeUndefined()
  })

  test('koa-session, with a store that names its ids', async () => {
    const keys = Array.from({ length: 5 }, (_, n) => idOf(n))
    const sessions = new Map<string, unknown>(keys.map((id, n) => [id, { n, _expire: Date.now() + 5_000, _maxAge: 5_000 }]))
    sessions.set('strange id', {}).set(idOf(7), 'text').set(idOf(8), { _expire: 1 })
    const ids = [...sessions.keys()]
    const store: KoaStore = {
      get: async (id) => sessions.get(id),
      destroy: async (id) => sessions.delete(id),
      async ids(cursor, limit) {
        const start = Number(cursor ?? 0)
        return { ids: ids.slice(start, start + limit), cursor: start + limit < ids.length ? String(start + limit) : null }
      },
    }
    const found = await walked(fromKoaSession({ keys: ['k'], store }))
    expect([...found.values()].map(({ values, why }) => values ?? why)).toEqual([
      ...keys.map((_, n) => ({ n })),
      'strange_id',
      'unreadable',
      null,
    ])
    expect(found.get(idOf(0))?.expiresAt).toBeGreaterThan(Date.now())
    const { ids: _ids, ...plain } = store
    expect(fromKoaSession({ keys: ['k'], store: plain }).walk).toBeUndefined()
  })
})

describeWith(['postgres'], 'in PostgreSQL', () => {
  test('S3.4 by the order of their ids, only what is alive, in a time zone of its own', async () => {
    const pool = new Pool({ connectionString: await sharedServer('postgres'), max: 1 })
    await pool.query("SET TIME ZONE 'Asia/Kathmandu'")
    const table = `walk_${process.pid}`
    await pool.query(`CREATE TABLE ${table} (sid varchar PRIMARY KEY, sess json NOT NULL, expire timestamp(6) NOT NULL)`)
    const ends = Math.floor(Date.now() / 1000) + 60
    for (let n = 0; n < 10; n++)
      await pool.query(`INSERT INTO ${table} VALUES ($1, $2, to_timestamp($3))`, [idOf(n), content(n), n === 4 ? ends - 120 : ends])
    await pool.query(`INSERT INTO ${table} VALUES ('strange', $1, to_timestamp($2))`, [content(1), ends])
    const reader = fromExpressSession({ secret, store: pool, table })
    for (const limit of [1, 3, 10, 11]) {
      const found = await walked(reader, limit)
      expect([...found.keys()]).toEqual([...[0, 1, 2, 3, 5, 6, 7, 8, 9].map(idOf), 'strange'])
      expect(found.get(idOf(9))).toEqual({ values: { n: 9 }, expiresAt: ends * 1000, why: null })
      expect(found.get('strange')?.why).toBe('strange_id')
    }
    expect(await reader.count?.()).toBe(10)
    await pool.query(`DROP TABLE ${table}`)
    await pool.end()
  })
})

describeWith(['mongodb'], 'in MongoDB (the double)', () => {
  test('S3.4 by the order of their ids, only what is alive', async () => {
    const client = new MongoClient(await sharedServer('mongodb'))
    const collection = client.db('walks').collection<{ _id: string; session: unknown; expires?: Date }>(`walk-${process.pid}`)
    const ends = Date.now() + 60_000
    for (let n = 0; n < 10; n++) await collection.insertOne({ _id: idOf(n), session: content(n), expires: new Date(n === 4 ? 1 : ends) })
    await collection.insertOne({ _id: idOf(10), session: JSON.parse(content(10, null)) as object })
    const reader = fromExpressSession({ secret, store: collection })
    for (const limit of [1, 3, 11, 12]) {
      const found = await walked(reader, limit)
      expect([...found.keys()]).toEqual([0, 1, 2, 3, 5, 6, 7, 8, 9, 10].map(idOf))
      expect(found.get(idOf(9))).toEqual({ values: { n: 9 }, expiresAt: ends, why: null })
      expect(found.get(idOf(10))).toEqual({ values: { n: 10 }, expiresAt: null, why: null })
    }
    expect(await reader.count?.()).toBe(11)
    await client.close()
  })
})
