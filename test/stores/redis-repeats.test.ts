import { Redis as IoRedis } from 'ioredis'
import { createClient } from 'redis'
import { expect, test } from 'vitest'
import { createSessions } from '../../src/index.ts'
import { type RedisClient, redisStore } from '../../src/stores/redis.ts'
import { secret } from '../support/backends.ts'
import { type FaultProxy, faultProxy } from '../support/fault-proxy.ts'
import { describeWith, sharedServer } from '../support/server.ts'
import { Visitor } from '../support/visitor.ts'
import { newId, rowFor } from './rows.ts'

interface Behind {
  readonly client: RedisClient
  readonly direct: RedisClient
  /** From now on one reply is lost. */
  lose(): void
}

/** A client whose connection loses replies, and one whose does not. */
async function behindProxy(work: (behind: Behind) => Promise<void>): Promise<void> {
  const url = await sharedServer('redis')
  const { port, pathname } = new URL(url)
  const proxy: FaultProxy = await faultProxy(Number(port))
  const db = Number(pathname.slice(1) || 0)
  const client = new IoRedis({ port: proxy.port, db })
  client.on('error', () => null).on('close', () => proxy.set(null))
  const direct = await createClient({ url }).connect()
  try {
    await client.ping()
    await work({ client, direct, lose: () => proxy.set({ kind: 'lose-reply' }) })
  } finally {
    client.disconnect()
    direct.destroy()
    await proxy.close()
  }
}

describeWith(['redis'], 'redisStore when ioredis repeats what it got no answer to', () => {
  test('F-07 the put that was done is known again: one row, one version', () =>
    behindProxy(async ({ client, direct, lose }) => {
      const prefix = `${newId()}:`
      const [store, there] = [redisStore({ client, prefix }), redisStore({ client: direct, prefix })]
      const row = rowFor({ user: 'ann' })
      await store.put(rowFor(), null)
      lose()
      const first = await store.put(row, null)
      expect(await there.get(row.id)).toEqual({ ...row, version: first })
      lose()
      const second = await store.put({ ...row, body: '2' }, first)
      expect(await there.get(row.id)).toEqual({ ...row, body: '2', version: second })
    }))

  test('F-07 a put that somebody has written over since is no lost race: it may have been done', () =>
    behindProxy(async ({ client, direct, lose }) => {
      const prefix = `${newId()}:`
      const [store, there] = [redisStore({ client, prefix }), redisStore({ client: direct, prefix })]
      const row = rowFor()
      const version = await store.put(row, null)
      lose()
      const late = store.put({ ...row, body: 'late' }, version).catch((error: unknown) => error)
      while ((await there.get(row.id))?.body !== 'late');
      await there.put({ ...row, body: 'over' }, (await there.get(row.id))?.version ?? null)
      expect(await late).toMatchObject({ code: 'store_unavailable' })
    }))

  test('F-07 a counter counts a visit once whose reply was lost', () =>
    behindProxy(async ({ client, lose }) => {
      const sessions = createSessions({ secret, store: redisStore({ client, prefix: `${newId()}:` }) })
      const visitor = new Visitor(sessions)
      const count = () => visitor.visit((session) => session.update('n', (n) => Number(n ?? 0) + 1))
      await count()
      for (const expected of [2, 3, 4]) {
        const { session, finish } = await visitor.begin()
        session.update('n', (n) => Number(n) + 1)
        lose()
        await finish()
        expect((await visitor.visit((again) => again.get('n'))).result).toBe(expected)
      }
    }))
})
