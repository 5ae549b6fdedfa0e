/** Redis watched by a Sentinel, which names a new master by itself. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis as IoRedis } from 'ioredis'
import { createSentinel } from 'redis'
import { expect, onTestFinished, test } from 'vitest'
import { masterName, startRedisSentinel, type Watched } from '../../scripts/servers/redis-sentinel.ts'
import { createSessions } from '../../src/index.ts'
import { redisStore, type RedisStoreOptions } from '../../src/stores/redis.ts'
import { secret } from '../support/backends.ts'
import { describeWith } from '../support/server.ts'
import { Visitor } from '../support/visitor.ts'

type Client = RedisStoreOptions['client']

async function nodeRedis({ sentinel }: Watched): Promise<Client> {
  const client = createSentinel({
    name: masterName,
    sentinelRootNodes: [{ host: '127.0.0.1', port: sentinel.port }],
    scanInterval: 250,
  })
  client.on('error', () => null)
  await client.connect()
  onTestFinished(() => void client.destroy())
  return client
}

async function ioRedis({ sentinel }: Watched): Promise<Client> {
  const client = new IoRedis({ sentinels: [{ host: '127.0.0.1', port: sentinel.port }], name: masterName, maxRetriesPerRequest: 0 })
  client.on('error', () => null)
  onTestFinished(() => client.disconnect())
  return client
}

// A failover needs redis-cli to be watched, as the cluster does.
describeWith(['redis-cluster'], 'Redis with a Sentinel', () => {
  test.each([
    ['node-redis', nodeRedis],
    ['ioredis', ioRedis],
  ] as const)('F-12 R-01 %s: the master is killed, and sessions go on with every write that a replica had', async (_name, connect) => {
    const watched = await startRedisSentinel()
    onTestFinished(() => watched.stop())
    const store = redisStore({ client: await connect(watched), waitReplicas: { count: 1, timeoutMs: 500 } })
    const sessions = createSessions({ secret, store })
    await sessions.ready()
    const visitor = new Visitor(sessions)
    const count = (): Promise<unknown> =>
      visitor.visit((session) => session.update('n', (n) => Number(n ?? 0) + 1)).then(({ result }) => result)
    await count()
    expect(await count()).toBe(2)

    await watched.master.kill('SIGKILL')
    const killed = performance.now()
    await expect(visitor.visit((session) => session.set('refused', 1))).rejects.toMatchObject({ code: 'store_unavailable' })
    let seen: unknown = 'away'
    while (seen === 'away' && performance.now() - killed < 30_000) {
      seen = await visitor
        .visit((session) => session.get('n'))
        .then(
          ({ result }) => result,
          () => sleep(100, 'away'),
        )
    }
    expect(seen).toBe(2)
    // A new master has no replica to wait for until the old one is back.
    await watched.master.restart()
    await expect.poll(() => count().catch(() => 'away'), { timeout: 30_000, interval: 200 }).toBeGreaterThanOrEqual(3)
    const leave = async (): Promise<boolean> => {
      await visitor.visit((session) => session.destroy())
      return (await visitor.visit((session) => session.isNew)).result
    }
    await expect.poll(() => leave().catch(() => 'away'), { timeout: 30_000, interval: 200 }).toBe(true)
  })
})
