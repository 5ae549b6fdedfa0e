import { invalid } from '../common/options.ts'
import { Silence } from './silence.ts'

/** What the store needs of node-redis 5 or newer: `createClient`, `createCluster` or `createSentinel`. */
export interface NodeRedisClient {
  readonly isOpen: boolean
  connect(): Promise<unknown>
  destroy(): unknown
  get(key: string): Promise<unknown>
  // Its arguments differ: (args), (firstKey, isReadonly, args) for a cluster, (isReadonly, args) for a sentinel.
  sendCommand: unknown
}

/** What the store needs of ioredis or iovalkey: `new Redis()` or `new Cluster()`. */
export interface IoRedisClient {
  readonly isCluster: boolean
  readonly status: string
  get(key: string): Promise<unknown>
  call(command: string, ...args: string[]): Promise<unknown>
}

export type RedisClient = NodeRedisClient | IoRedisClient

/** One way to talk to all of them. */
export interface Wire {
  readonly cluster: boolean
  /** Reads one key; from the client's own cache, where it keeps one that the server invalidates. */
  get(key: string): Promise<unknown>
  /** Sends a command to where `key` lives; `null`: to any node. */
  send(key: string | null, args: readonly string[]): Promise<unknown>
  /** Whether commands about a key's node, but without the key, reach that node. */
  readonly reachesNodes: boolean
  /** Why no command can succeed, or `null`. */
  closed(): string | null
}

type Send = (...args: unknown[]) => Promise<unknown>

/** Recognises a client by its shape. `silenceMs`: see the option of the store. Throws `config_invalid`. */
export function wireOf(client: unknown, silenceMs: number): Wire {
  if (isIoRedis(client)) {
    return {
      cluster: client.isCluster,
      get: (key) => client.get(key),
      send: (_key, [command = '', ...args]) => client.call(command, ...args),
      reachesNodes: !client.isCluster,
      closed: () => (client.status === 'end' ? 'the client was closed' : null),
    }
  }
  if (!isNodeRedis(client)) {
    throw invalid('redisStore needs a client; write for example redisStore({ client: await createClient({ url }).connect() })')
  }
  const send = client.sendCommand.bind(client) as Send
  const cluster = 'getSlotMaster' in client
  const wire = {
    cluster,
    get: (key: string) => client.get(key),
    send: cluster
      ? (key: string | null, args: readonly string[]) => send(key ?? undefined, key === null, args)
      : 'use' in client
        ? (_key: string | null, args: readonly string[]) => send(false, args)
        : (_key: string | null, args: readonly string[]) => send(args),
    reachesNodes: true,
    closed: () => (client.isOpen ? null : 'the client is not connected; await client.connect() before the first request'),
  }
  return silenceMs === 0 ? wire : reconnecting(wire, client, silenceMs)
}

/** Takes a silent connection down and makes a new one: what waits on it is refused, and what comes next is answered. */
function reconnecting(wire: Wire, client: NodeRedisClient, silenceMs: number): Wire {
  const silence = new Silence(silenceMs, () => {
    if (!client.isOpen) return
    client.destroy()
    // The client says by its `error` event when it cannot, and tries again by its own strategy.
    client.connect().catch(() => null)
  })
  return { ...wire, get: (key) => silence.watch(wire.get(key)), send: (key, args) => silence.watch(wire.send(key, args)) }
}

function isIoRedis(client: unknown): client is IoRedisClient {
  return hasMethods(client, ['get', 'call']) && 'status' in client
}

function isNodeRedis(client: unknown): client is NodeRedisClient & { sendCommand: Send } {
  return hasMethods(client, ['get', 'sendCommand', 'connect', 'destroy']) && 'isOpen' in client
}

function hasMethods(value: unknown, names: readonly string[]): value is object {
  return (
    typeof value === 'object' && value !== null && names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function')
  )
}
