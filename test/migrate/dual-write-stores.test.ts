/** Changing old sessions in the databases that express-session and @fastify/session keep them in. */
import { Redis } from 'ioredis'
import { Binary, MongoClient } from 'mongodb'
import { Pool } from 'pg'
import { createClient } from 'redis'
import { expect, test } from 'vitest'
import { fromExpressSession, type ExpressStore } from '../../src/migrate/express-session.ts'
import { fromFastifySession } from '../../src/migrate/fastify-session.ts'
import { describeWith, sharedServer } from '../support/server.ts'
import { changes, dual, expectNear, hourMs, secret, sid, stored, sunset } from './dual-sessions.ts'

/** What holds for every store that compares: of express-session as of @fastify/session. */
async function expectCompared(
  store: ExpressStore,
  options: object,
  put: (content: object) => Promise<unknown>,
  get: () => Promise<unknown>,
) {
  const nowMs = Date.now()
  const all = [
    dual(fromExpressSession({ secret, store, sunset, dualWrite: true, ...options })),
    dual(fromFastifySession({ secret, store, sunset, dualWrite: true, ...options })),
  ]
  for (const { write, load, end } of all) {
    await put({ ...stored(hourMs, nowMs - 1), c: { deep: ['é', 1.5, null] } })
    expect(await write(sid, changes, nowMs, null)).toBe(true)
    const { cookie, ...values } = (await get()) as { cookie: object }
    expect(values).toEqual({ a: 2, c: { deep: ['é', 1.5, null] } })
    expect(cookie).toEqual({ originalMaxAge: hourMs, httpOnly: true, path: '/', expires: new Date(nowMs + hourMs).toISOString() })
    // Ten at once, and what the old application does meanwhile: nothing is lost.
    const writes = Array.from({ length: 10 }, (_, n) => write(sid, { set: { [`key${n}`]: n }, drop: [] }, nowMs, null))
    await Promise.all(writes)
    expect(Object.keys((await get()) as object)).toHaveLength(13)
    expect((await load(sid, nowMs))?.renew).toBeUndefined()
    await put(stored(hourMs, nowMs - hourMs * 0.6))
    await (await load(sid, nowMs))?.renew?.()
    expect((await load(sid, nowMs))?.renew).toBeUndefined()
    expect((await get()) as object).toMatchObject({ a: 1, b: 1, cookie: { expires: new Date(nowMs + hourMs).toISOString() } })
    await end(sid)
    expect(await write(sid, changes, nowMs, null)).toBe(false)
    expect(await get()).toBeNull()
    await end(sid)
  }
}

describeWith(['redis'], 'in Redis', () => {
  const prefix = `dual${process.pid}:`

  test.each(['node-redis', 'ioredis'])(
    'M-06 R-02 through %s: compared, not brought back, alive for as long as it was at least',
    async (name) => {
      const url = await sharedServer('redis')
      const client = createClient({ url })
      await client.connect()
      const other = new Redis(url)
      const store = name === 'ioredis' ? other : client
      const get = async (): Promise<unknown> => JSON.parse((await client.get(prefix + sid)) ?? 'null')
      await expectCompared(store, { prefix }, (content) => client.set(prefix + sid, JSON.stringify(content), { PX: 60_000 }), get)

      const { write, load } = dual(fromExpressSession({ secret, store, prefix, sunset, dualWrite: true }))
      const nowMs = Date.now()
      for (const [has, maxAge, then] of [
        [60_000, hourMs, hourMs],
        [2 * hourMs, hourMs, 2 * hourMs],
        [60_000, null, 24 * hourMs],
        [null, hourMs, -1],
      ] as const) {
        await client.set(prefix + sid, JSON.stringify(stored(maxAge)), has === null ? {} : { PX: has })
        await write(sid, changes, nowMs, null)
        expectNear(await client.pTTL(prefix + sid), then)
      }
      // Without a maxAge only Redis knows when it ends.
      await client.set(prefix + sid, JSON.stringify(stored(null)), { PX: 60_000 })
      await (await load(sid, nowMs))?.renew?.()
      expectNear(await client.pTTL(prefix + sid), 24 * hourMs)
      expect(await get()).toMatchObject({ a: 1, b: 1 })
      await client.set(prefix + sid, JSON.stringify(stored(null)))
      await (await load(sid, nowMs))?.renew?.()
      expect(await client.pTTL(prefix + sid)).toBe(-1)
      for (const content of ['no JSON', '{"a":1}', '[]']) {
        await client.set(prefix + sid, content)
        expect(await write(sid, changes, nowMs, null)).toBe(false)
      }
      await client.del(prefix + sid)
      client.destroy()
      other.disconnect()
    },
  )
})

describeWith(['postgres'], 'in PostgreSQL', () => {
  test('M-06 R-02 json, jsonb or text: compared, not brought back, alive for as long as it was at least', async () => {
    const pool = new Pool({ connectionString: await sharedServer('postgres'), max: 4, options: '-c TimeZone=Asia/Kathmandu' })
    await pool.query('CREATE SCHEMA IF NOT EXISTS dual')
    for (const type of ['json', 'jsonb', 'text']) {
      const table = `dual.session_${type}`
      await pool.query(`DROP TABLE IF EXISTS ${table}`)
      await pool.query(`CREATE TABLE ${table} (sid varchar PRIMARY KEY, sess ${type} NOT NULL, expire timestamp(6) NOT NULL)`)
      const put = async (content: object, lifeMs = 60_000): Promise<void> => {
        await pool.query(`DELETE FROM ${table}`)
        const row = [sid, JSON.stringify(content), (Date.now() + lifeMs) / 1000]
        await pool.query(`INSERT INTO ${table} VALUES ($1, $2, to_timestamp($3))`, row)
      }
      const get = async (): Promise<unknown> => {
        const { rows } = await pool.query<{ sess: string }>(`SELECT sess::text AS sess FROM ${table}`)
        return rows[0] === undefined ? null : (JSON.parse(rows[0].sess) as unknown)
      }
      await expectCompared(pool, { table }, put, get)
      const leftMs = async (): Promise<number> => {
        const { rows } = await pool.query<{ ms: string }>(`SELECT extract(epoch FROM expire::timestamptz) * 1000 AS ms FROM ${table}`)
        return Number(rows[0]?.ms) - Date.now()
      }
      const { write, load } = dual(fromExpressSession({ secret, store: pool, table, sunset, dualWrite: true }))
      for (const [has, maxAge, then] of [
        [60_000, hourMs, hourMs],
        [2 * hourMs, hourMs, 2 * hourMs],
        [60_000, null, 24 * hourMs],
      ] as const) {
        await put(stored(maxAge), has)
        await write(sid, changes, Date.now(), null)
        expectNear(await leftMs(), then)
      }
      await put(stored(null))
      await (await load(sid, Date.now()))?.renew?.()
      expectNear(await leftMs(), 24 * hourMs)
      await put(stored(hourMs), -2_000)
      expect(await write(sid, changes, Date.now(), null)).toBe(false)
    }
    await pool.query('DROP SCHEMA dual CASCADE')
    await pool.end()
  })
})

describeWith(['mongodb'], 'in MongoDB (the double)', () => {
  test('M-06 R-02 text or an object: compared, not brought back, alive for as long as it was at least', async () => {
    const client = new MongoClient(await sharedServer('mongodb'))
    const collection = client.db('dual').collection<{ _id: string; session: unknown; expires?: Date }>('sessions')
    for (const text of [true, false]) {
      const put = async (content: object, expires: Date | null = new Date(Date.now() + 60_000)): Promise<void> => {
        await collection.deleteOne({ _id: sid })
        const session: unknown = text ? JSON.stringify(content) : content
        await collection.insertOne({ _id: sid, session, ...(expires === null ? {} : { expires }) })
      }
      const found = () => collection.findOne({ _id: sid })
      const get = async (): Promise<unknown> => {
        const session = (await found())?.session ?? null
        return JSON.parse(typeof session === 'string' ? session : JSON.stringify(session)) as unknown
      }
      await expectCompared(collection, {}, put, get)
      const { write, load } = dual(fromExpressSession({ secret, store: collection, sunset, dualWrite: true }))
      for (const [maxAge, then] of [
        [hourMs, hourMs],
        [null, 14 * 24 * hourMs],
      ] as const) {
        await put(stored(maxAge))
        await write(sid, changes, Date.now(), null)
        expectNear((await found())?.expires?.getTime(), Date.now() + then)
      }
      await put(stored(null))
      await (await load(sid, Date.now()))?.renew?.()
      expectNear((await found())?.expires?.getTime(), Date.now() + 14 * 24 * hourMs)
      await put(stored(null), null)
      await (await load(sid, Date.now()))?.renew?.()
      await write(sid, changes, Date.now(), null)
      expect((await found())?.expires).toBeUndefined()
    }
    // What only the old application has set is what it was.
    const seen = new Date(0)
    await collection.deleteOne({ _id: sid })
    await collection.insertOne({ _id: sid, session: { ...stored(hourMs), seen, bytes: new Binary(new Uint8Array([1])) } })
    await dual(fromExpressSession({ secret, store: collection, sunset, dualWrite: true })).write(sid, changes, Date.now(), null)
    const kept = (await collection.findOne({ _id: sid }))?.session
    expect(kept).toMatchObject({ a: 2, seen, cookie: { expires: expect.any(Date) as Date } })
    expect((kept as { bytes: unknown }).bytes).toBeInstanceOf(Binary)
    await collection.deleteOne({ _id: sid })
    await client.close()
  })
})
