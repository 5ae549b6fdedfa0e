import type { NatsStoreOptions } from '../nats.ts'
import type { NodeRedisClient } from '../redis.ts'
import { unavailable } from '../common/errors.ts'
import { exported, load } from './load.ts'
import { closing } from './closing.ts'
import type { Opener } from './openers.ts'
import { partsOf } from './parts.ts'

type RedisClient = NodeRedisClient & { on(event: 'error', heard: () => void): unknown }

const connectMs = 1_500

const openRedis: Opener = async (url) => {
  const createClient = exported<(options: object) => RedisClient>(await load('redis'), 'createClient')
  partsOf(url)
  return openedRedis((socket) => createClient({ url, socket }))
}

/** `redis-cluster://user:password@host:port,host:port`: a few nodes, which know the others. */
const openRedisCluster: Opener = async (url) => {
  const createCluster = exported<(options: object) => RedisClient>(await load('redis'), 'createCluster')
  const [, login = '', nodes = ''] = /^redis-cluster:\/\/([^/@]*@)?([^/]*)/.exec(url) ?? []
  const rootNodes = nodes.split(',').map((node) => ({ url: `redis://${login}${node}` }))
  return openedRedis((socket) => createCluster({ rootNodes, defaults: { disableOfflineQueue: true, socket } }))
}

async function openedRedis(create: (socket: object) => RedisClient): ReturnType<Opener> {
  const { redisStore } = await import('../redis.ts')
  let isOpen = false
  // A server that is not there at the start is an error at once. Later it is looked for until it is back.
  const reconnectStrategy = (retries: number): number | false => isOpen && Math.min(50 * (retries + 1), 500)
  const client = create({ connectTimeout: connectMs, reconnectStrategy })
  // Until it is back every call to the store says that it could not.
  client.on('error', () => {})
  await client.connect().catch((error: unknown) => {
    throw unavailable('redisStore', error)
  })
  isOpen = true
  return closing(redisStore({ client }), () => client.destroy())
}

/** `memcached://host:port,host:port`, or memcacheds: for TLS. */
const openMemcached: Opener = async (url) => {
  const { memcachedStore } = await import('../memcached.ts')
  const [scheme = '', hosts = ''] = url.split('://')
  return memcachedStore({
    servers: hosts
      .replace(/\/$/, '')
      .split(',')
      .map((host) => `${scheme}://${host}`),
  })
}

interface NatsConnection {
  close(): Promise<void>
}
interface Kvm {
  create(bucket: string, options: object): Promise<NatsStoreOptions['kv']>
}

const weekMs = 7 * 86_400_000

/** By itself the client notices silence after minutes, and after ten attempts to connect it never tries again. */
const patience = { pingInterval: 2_000, maxPingOut: 1, reconnectTimeWait: 500, maxReconnectAttempts: -1 }

/** `nats://user:password@host:port/bucket`, or `token@`; the bucket is made if need be, for sessions of at most half a week without use. */
const openNats: Opener = async (url) => {
  const { pathname, host, username, password } = partsOf(url)
  const [user, pass] = [decodeURIComponent(username), decodeURIComponent(password)]
  const login = user === '' ? {} : pass === '' ? { token: user } : { user, pass }
  const connect = exported<(options: object) => Promise<NatsConnection>>(await load('@nats-io/transport-node'), 'connect')
  const Manager = exported<new (connection: NatsConnection) => Kvm>(await load('@nats-io/kv'), 'Kvm')
  const { natsStore } = await import('../nats.ts')
  const fail = (error: unknown): never => {
    throw unavailable('natsStore', error)
  }
  const connection = await connect({ servers: host, timeout: connectMs, ...patience, ...login }).catch(fail)
  try {
    const kv = await new Manager(connection).create(pathname.slice(1) || 'coatcheck', { ttl: weekMs })
    return closing(natsStore({ kv }), () => connection.close())
  } catch (error) {
    await connection.close()
    return fail(error)
  }
}

/** `etcd://host:port,host:port`, or etcds: for TLS. */
const openEtcd: Opener = async (url) => {
  const { etcdStore } = await import('../etcd.ts')
  const [scheme, hosts = ''] = url.split('://')
  const protocol = scheme === 'etcds' ? 'https' : 'http'
  return etcdStore({
    endpoints: hosts
      .replace(/\/$/, '')
      .split(',')
      .map((host) => `${protocol}://${host}`),
  })
}

export const openKeyValue: Readonly<Record<string, Opener>> = {
  redis: openRedis,
  rediss: openRedis,
  'redis-cluster': openRedisCluster,
  memcached: openMemcached,
  memcacheds: openMemcached,
  nats: openNats,
  etcd: openEtcd,
  etcds: openEtcd,
}
