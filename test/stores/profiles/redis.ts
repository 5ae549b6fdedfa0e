import { Redis as IoRedis } from 'ioredis'
import { Redis as IoValkey } from 'iovalkey'
import { createClient, createCluster } from 'redis'
import { type IoRedisClient, redisStore } from '../../../src/stores/redis.ts'
import type { Lack } from '../../../src/testing/store-contract.ts'
import type { OpenedProfile, StoreProfile } from '../profile.ts'

const ownTtl: Lack = { rule: 'sweep', reason: 'Redis drops expired rows by itself' }
const pipelined: Lack = { rule: 'getMany', reason: 'the client writes the commands of one tick together' }

const words: StoreProfile['words'] = {
  limits: '512 MiB by Redis; `limits.bytesMax` of the session comes first',
  eviction:
    '`ready()` refuses a server whose `maxmemory-policy` evicts; with `mayEvict: true` an evicted session is gone, and there is no index of users',
  restart: 'what `appendonly` and `appendfsync` have kept is there; without persistence every session is gone',
  failover: 'writes not yet replicated are lost; `waitReplicas` answers only what a replica has',
}

/** What the store sends to read and to write; commands within a script are not among them. */
function countedIn(info: string): number {
  const calls = info.matchAll(/^cmdstat_(?:get|evalsha|eval|wait):calls=(\d+)/gm)
  return [...calls].reduce((sum, [, count]) => sum + Number(count), 0)
}

async function nodeRedis([url = '']: readonly string[]): Promise<OpenedProfile> {
  const client = createClient({ url })
  client.on('error', () => null)
  await client.connect()
  return {
    store: redisStore({ client, silenceMs: 1_000 }),
    commands: async () => countedIn(String(await client.sendCommand(['INFO', 'commandstats']))),
    close: async () => client.destroy(),
  }
}

async function ioRedis(
  client: IoRedisClient & { on: (event: 'error', run: () => void) => unknown; disconnect(): void },
): Promise<OpenedProfile> {
  client.on('error', () => null)
  return {
    store: redisStore({ client }),
    commands: async () => countedIn(String(await client.call('INFO', 'commandstats'))),
    close: async () => client.disconnect(),
  }
}

export const redis: StoreProfile = {
  name: 'redis',
  servers: ['redis'],
  countsAll: true,
  open: nodeRedis,
  lacks: [ownTtl, pipelined],
  words,
}

export const redisWithIoredis: StoreProfile = {
  ...redis,
  name: 'redis, ioredis',
  open: ([url = '']) => ioRedis(new IoRedis(url, { socketTimeout: 1_000 })),
}

export const redisWithIovalkey: StoreProfile = {
  ...redis,
  name: 'redis, iovalkey',
  breaks: false,
  open: ([url = '']) => ioRedis(new IoValkey(url, { socketTimeout: 1_000 })),
}

/** The address of one node is enough to find the others. */
export const redisCluster: StoreProfile = {
  name: 'redis, cluster',
  servers: ['redis-cluster'],
  breaks: false,
  async open([url = '']) {
    const cluster = createCluster({ rootNodes: [{ url }] })
    cluster.on('error', () => null)
    await cluster.connect()
    return { store: redisStore({ client: cluster }), close: async () => cluster.destroy() }
  },
  lacks: [ownTtl, pipelined, { rule: 'scan', reason: 'the nodes of a cluster have to be walked one by one' }],
  words: { ...words, failover: `${words.failover}; a cluster names a new master by itself` },
}

export const redisClusterWithIoredis: StoreProfile = {
  ...redisCluster,
  name: 'redis, cluster with ioredis',
  async open([url = '']) {
    const { store, close } = await ioRedis(new IoRedis.Cluster([url]) as never)
    return { store, close }
  },
}
