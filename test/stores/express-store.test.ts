import { RedisStore } from 'connect-redis'
import session from 'express-session'
import { createClient } from 'redis'
import { describe, expect, test } from 'vitest'
import { createSessions, type Row, type SessionEvent, type SessionStore } from '../../src/index.ts'
import { expressStore, type ForeignStore } from '../../src/stores/express-store.ts'
import { secret } from '../support/backends.ts'
import { describeWith, sharedServer } from '../support/server.ts'
import { Visitor } from '../support/visitor.ts'
import { connectRedis, expressMemoryStore } from './profiles/express-store.ts'
import { storeSuite } from './suite.ts'

storeSuite(expressMemoryStore)
storeSuite(connectRedis)

type Any = Record<string, unknown>

function rowOf(columns: Partial<Row> = {}): Row {
  const id = Buffer.from(crypto.getRandomValues(new Uint8Array(18))).toString('base64url')
  return { id, body: '{}', user: null, expiresAt: Date.now() + 3_600_000, ...columns }
}

async function counts(store: SessionStore): Promise<void> {
  const sessions = createSessions<Any>({ secret, store, unsafeLastWriteWins: true })
  await sessions.ready()
  const visitor = new Visitor(sessions)
  for (const n of [1, 2, 3]) {
    const { result } = await visitor.visit((one) => one.update('n', (old) => Number(old ?? 0) + 1))
    expect(result).toBe(n)
  }
  await visitor.clone().visit((one) => one.destroy())
  expect((await visitor.visit((one) => one.isNew)).result).toBe(true)
}

describe('expressStore', () => {
  test('createSessions wants the price written down', () => {
    const store = expressStore(new session.MemoryStore())
    expect(() => createSessions({ secret, store })).toThrow('unsafeLastWriteWins: true')
    expect(() => createSessions({ secret, store, unsafeLastWriteWins: true })).not.toThrow()
  })

  test.each<[string, unknown, string]>([
    ['a class', session.MemoryStore, 'not its class'],
    ['a legacy factory', () => session.MemoryStore, 'not its class'],
    ['nothing', undefined, 'express-session'],
    ['half a store', { get: () => {}, set: () => {} }, 'no destroy'],
    ['a store of ours', { get: () => {}, put: () => {}, delete: () => {} }, 'no set'],
  ])('refuses %s', (_name, store, words) => {
    expect(() => expressStore(store as ForeignStore)).toThrow(
      expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(words) }),
    )
  })

  test('counts visits in a MemoryStore', () => counts(expressStore(new session.MemoryStore())))

  test('counts visits in a store that is made by a legacy factory and calls back at once', async () => {
    const factory = ({ Store }: { Store: typeof session.Store }) =>
      class extends Store {
        readonly kept = new Map<string, string>()
        override get(sid: string, callback: (error: unknown, session?: session.SessionData | null) => void): void {
          const text = this.kept.get(sid)
          callback(null, text === undefined ? undefined : (JSON.parse(text) as session.SessionData))
        }
        override set(sid: string, data: session.SessionData, callback?: (error?: unknown) => void): void {
          this.kept.set(sid, JSON.stringify(data))
          callback?.()
        }
        override destroy(sid: string, callback?: (error?: unknown) => void): void {
          this.kept.delete(sid)
          callback?.()
        }
      }
    await counts(expressStore(new (factory(session))()))
  })

  test.each<[string, (callback: (error?: unknown) => void) => unknown]>([
    ['calls back with an error', (callback) => callback(new Error('away'))],
    ['calls back with a text', (callback) => callback('away')],
    [
      'throws',
      () => {
        throw new Error('away')
      },
    ],
    ['rejects', () => Promise.reject(new Error('away'))],
  ])('F-02 F-03 a store that %s is unavailable', async (_name, fail) => {
    const store = expressStore({
      get: (_sid, callback) => fail(callback),
      set: (_sid, _session, callback) => fail(callback),
      destroy: (_sid, callback) => fail(callback),
    })
    for (const call of [() => store.get('a'), () => store.put(rowOf(), null), () => store.delete('a'), () => store.ready?.()])
      await expect(call()).rejects.toMatchObject({ code: 'store_unavailable', message: expect.stringContaining('away') })
  })

  test('ENOENT is a session that is not there, as express-session has it', async () => {
    const missing = Object.assign(new Error('no such file'), { code: 'ENOENT' })
    const store = expressStore({ get: (_sid, callback) => callback(missing), set: () => {}, destroy: () => {} })
    expect(await store.get('a')).toBeNull()
  })

  test("P-05 somebody else's session under our key is none of ours", async () => {
    const memory = new session.MemoryStore()
    const events: SessionEvent[] = []
    const store = expressStore(memory)
    const sessions = createSessions<Any>({ secret, store, unsafeLastWriteWins: true, onEvent: (event) => void events.push(event) })
    const visitor = new Visitor(sessions)
    const { result: id } = await visitor.visit((one) => one.set('n', 1).id)
    const strange = [{}, { coatcheck: 1 }, { coatcheck: null }, { coatcheck: { body: '{}', user: 7, expiresAt: 1, version: '1' } }]
    for (const one of strange) {
      await new Promise((done) => memory.set(`coatcheck-${id}`, { ...one, cookie: {} } as unknown as session.SessionData, done))
      expect((await visitor.clone().visit(({ isNew }) => isNew)).result).toBe(true)
    }
    const reasons = events.flatMap((event) => (event.type === 'rejected' && event.why !== 'absent' ? [event.why] : []))
    expect(reasons).toEqual(strange.map(() => 'unreadable'))
  })

  test('L-05 stores that round a time to live down let nothing go early', async () => {
    const seen: { maxAge: number; originalMaxAge: number; expires: Date }[] = []
    const store = expressStore({
      get: (_sid, callback) => callback(null),
      set: (_sid, one, callback) => {
        seen.push((one as { cookie: (typeof seen)[number] }).cookie)
        callback()
      },
      destroy: () => {},
    })
    const now = Date.now()
    for (const leftMs of [1, 999, 60_500]) {
      await store.put(rowOf({ expiresAt: now + leftMs }), null)
      const cookie = seen.pop()
      for (const ms of [cookie?.maxAge ?? 0, cookie?.originalMaxAge ?? 0]) {
        expect(Math.floor(ms / 1_000) * 1_000).toBeGreaterThanOrEqual(leftMs)
        expect(ms).toBeLessThan(leftMs + 3_000)
      }
      expect(cookie?.expires.getTime()).toBeGreaterThanOrEqual(now + leftMs)
    }
  })
})

describeWith(['redis'], 'connect-redis', () => {
  test('counts visits, and gives Redis a time to live that ends with the session', async () => {
    const client = createClient({ url: await sharedServer('redis') })
    await client.connect()
    const store = expressStore(new RedisStore({ client, prefix: 'connect:' }))
    await counts(store)
    const row = rowOf({ expiresAt: Date.now() + 90_000 })
    await store.put(row, null)
    const leftMs = await client.pTTL(`connect:coatcheck-${row.id}`)
    expect(leftMs).toBeGreaterThan(89_000)
    expect(leftMs).toBeLessThan(93_000)
    client.destroy()
    await expect(store.get(row.id)).rejects.toMatchObject({ code: 'store_unavailable' })
    await expect(store.ready?.()).rejects.toMatchObject({ code: 'store_unavailable' })
  })
})
