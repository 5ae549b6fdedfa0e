/** What redisStore asks of the client it is given. */
import { Redis as IoRedis } from 'ioredis'
import { createClient, createCluster, type RedisClientOptions } from 'redis'
import { afterEach, expect, test, vi } from 'vitest'
import { startRedis } from '../../scripts/servers/redis.ts'
import { redisStore } from '../../src/stores/redis.ts'
import { faultProxy } from '../support/fault-proxy.ts'
import { describeWith, sharedServer } from '../support/server.ts'

const row = { id: 'a'.repeat(24), body: '{}', user: 'ada', expiresAt: Date.now() + 600_000 }

describeWith(['redis'], 'a prefix that the client adds by itself', () => {
  test.each([
    ['a client', () => createClient({ keyPrefix: 'shop:' })],
    ['a cluster', () => createCluster({ keyPrefix: 'shop:', rootNodes: [] })],
  ])('node-redis, %s: is refused, since a session would be written under one key and read under another', (_what, client) => {
    expect(() => redisStore({ client: client() })).toThrow(/without keyPrefix, and write redisStore\(\{ client, prefix: 'shop:' \}\)/)
  })

  test('ioredis: a scan finds the sessions of this prefix, and no others', async () => {
    const url = await sharedServer('redis')
    const [one, other] = ['sh[o]p*:', 'shop:'].map((keyPrefix) => new IoRedis(url, { keyPrefix }))
    if (one === undefined || other === undefined) throw new Error('no clients')
    await redisStore({ client: other }).put({ ...row, id: 'b'.repeat(24) }, null)
    const store = redisStore({ client: one })
    await store.put(row, null)
    expect(await store.scan?.(null, 1_000)).toEqual({ ids: [row.id], cursor: null })
    one.disconnect()
    other.disconnect()
  })
})

describeWith(['redis'], 'the cache of node-redis', () => {
  test('R-06 on a connection that went silent it is given up, although nothing has to be sent to read from it', async () => {
    const url = new URL(await sharedServer('redis'))
    const proxy = await faultProxy(Number(url.port))
    const direct = await createClient({ url: url.href }).connect()
    url.port = String(proxy.port)
    const near = createClient({ url: url.href, RESP: 3, clientSideCache: {} })
    near.on('error', () => null)
    await near.connect()
    const [cached, store] = [redisStore({ client: near, silenceMs: 200 }), redisStore({ client: direct })]
    const id = crypto.randomUUID()
    await store.put({ ...row, id }, null)
    expect(await cached.get(id)).not.toBeNull()
    proxy.set({ kind: 'blackhole' })
    await store.delete(id)
    await new Promise((resolve) => setTimeout(resolve, 100))
    proxy.set(null)
    await vi.waitFor(async () => expect(await cached.get(id)).toBeNull(), { timeout: 3_000, interval: 20 })
    near.destroy()
    direct.destroy()
    await proxy.close()
  })
})

describeWith(['redis'], 'the timers of node-redis', () => {
  afterEach(() => void vi.restoreAllMocks())

  async function timersOf(options: RedisClientOptions, silenceMs: number): Promise<unknown[]> {
    const client = await createClient({ url: await sharedServer('redis'), ...options }).connect()
    const timers = vi.spyOn(AbortSignal, 'timeout')
    const store = redisStore({ client, silenceMs, prefix: `timers-${silenceMs}:` })
    const version = await store.put({ ...row, id: crypto.randomUUID() }, null)
    expect(version).not.toBeNull()
    await store.get(row.id)
    client.destroy()
    return timers.mock.calls.flat()
  }

  test('a command arms none of its own, which costs more than the command', async () => {
    expect(await timersOf({}, 2_000)).toEqual([])
  })

  test('the application’s own stay, and so do all where the store does not watch the connection', async () => {
    expect(new Set(await timersOf({ commandOptions: { timeout: 700 } }, 2_000))).toEqual(new Set([700]))
    expect(await timersOf({}, 0)).not.toEqual([])
  })

  test('F-04 what waits for a server that is away is refused all the same, and nothing heaps up in the client', async () => {
    const server = await startRedis()
    const client = createClient({ url: server.url, socket: { reconnectStrategy: () => 50 } })
    client.on('error', () => null)
    await client.connect()
    const store = redisStore({ client, silenceMs: 200 })
    await store.put(row, null)
    await server.kill('SIGKILL')
    const startMs = performance.now()
    const asked = await Promise.allSettled(Array.from({ length: 50 }, () => store.get(row.id)))
    expect(asked.map(({ status }) => status)).toEqual(asked.map(() => 'rejected'))
    expect(performance.now() - startMs).toBeLessThan(2_000)
    await server.restart()
    await vi.waitFor(async () => expect(await store.get(row.id)).toBeNull(), 5_000)
    client.destroy()
    await server.stop()
  })
})
