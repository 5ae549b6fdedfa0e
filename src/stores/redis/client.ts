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
  on?(event: string, heard: () => void): unknown
}

/** What the store needs of ioredis or iovalkey: `new Redis()` or `new Cluster()`. */
export interface IoRedisClient {
  readonly isCluster: boolean
  readonly status: string
  get(key: string): Promise<unknown>
  call(command: string, ...args: string[]): Promise<unknown>
  on?(event: string, heard: () => void): unknown
}

export type RedisClient = NodeRedisClient | IoRedisClient

/** One way to talk to all of them. */
export interface Wire {
  readonly cluster: boolean
  /** Reads one key; from the client's own cache, where it keeps one that the server invalidates. */
  get(key: string): Promise<unknown>
  /** Sends a command to where `key` lives; `null`: to any node. */
  send(key: string | null, args: readonly string[]): Promise<unknown>
  /** What the client puts before every key it sends, but not before the pattern of a scan. */
  readonly keyPrefix: string
  /** Whether commands about a key's node, but without the key, reach that node. */
  readonly reachesNodes: boolean
  /** How often a connection has ended: a command under way then may be sent twice. */
  breaks(): number
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
      keyPrefix: optionsOf(client).keyPrefix ?? '',
      reachesNodes: !client.isCluster,
      breaks: breaksOf(client, ['close', '-node']),
      closed: () => (client.status === 'end' ? 'the client was closed' : null),
    }
  }
  if (!isNodeRedis(client)) {
    throw invalid('redisStore needs a client; write for example redisStore({ client: await createClient({ url }).connect() })')
  }
  // It puts the prefix before the keys of its own methods, but not before those of `sendCommand`.
  const keyPrefix = String(Reflect.get(client, '_keyPrefix') ?? '')
  if (keyPrefix !== '')
    throw invalid(`redisStore: make the client without keyPrefix, and write redisStore({ client, prefix: '${keyPrefix}' })`)
  const wire = {
    ...callsOf(client, silenceMs > 0),
    keyPrefix: '',
    reachesNodes: true,
    breaks: breaksOf(client, ['reconnecting', 'topology-change']),
    closed: () => (client.isOpen ? null : 'the client is not connected; await client.connect() before the first request'),
  }
  return silenceMs === 0 ? wire : reconnecting(wire, client, silenceMs)
}

type NodeRedis = NodeRedisClient & { sendCommand: Send }

/** `watched`: somebody sees to it that what waits is refused when nothing is answered. */
function callsOf(client: NodeRedis, watched: boolean): Pick<Wire, 'cluster' | 'get' | 'send'> {
  const send = client.sendCommand.bind(client)
  const get = (key: string): Promise<unknown> => client.get(key)
  if ('getSlotMaster' in client) return { cluster: true, get, send: (key, args) => send(key ?? undefined, key === null, args) }
  if ('use' in client) return { cluster: false, get, send: (_key, args) => send(false, args) }
  const { clientSideCache, commandOptions } = optionsOf(client)
  // node-redis 6 arms an AbortSignal for every command until it is written, which costs as much CPU as the command.
  const untimed = watched && commandOptions?.timeout === undefined ? { timeout: 0 } : {}
  const quick: Wire['send'] = (_key, args) => send(args, untimed)
  return { cluster: false, send: quick, get: clientSideCache === undefined ? (key) => quick(key, ['GET', key]) : get }
}

interface ClientOptions {
  readonly keyPrefix?: string
  readonly clientSideCache?: unknown
  readonly commandOptions?: { readonly timeout?: number }
}

function optionsOf(client: RedisClient): ClientOptions {
  return (client as { readonly options?: ClientOptions }).options ?? {}
}

/** Takes a silent connection down and makes a new one: what waits on it is refused, and what comes next is answered. */
function reconnecting(wire: Wire, client: NodeRedisClient, silenceMs: number): Wire {
  const silence = new Silence(silenceMs, () => {
    if (!client.isOpen) return
    client.destroy()
    // The client says by its `error` event when it cannot, and tries again by its own strategy.
    client.connect().catch(() => null)
  })
  const send: Wire['send'] = (key, args) => silence.watch(wire.send(key, args))
  if (optionsOf(client).clientSideCache === undefined) return { ...wire, send, get: (key) => silence.watch(wire.get(key)) }
  const look = atMostEvery(silenceMs / 2, () => void send(null, ['PING']).catch(() => null))
  return {
    ...wire,
    send,
    // What the cache answers says nothing about the connection, on which the server tells what has changed. So it is asked by the way.
    get(key) {
      look()
      return wire.get(key)
    },
  }
}

function atMostEvery(ms: number, run: () => void): () => void {
  let ran = false
  return () => {
    if (ran) return
    ran = true
    setTimeout(() => (ran = false), ms).unref()
    run()
  }
}

/** One listener for each client, however many stores are made on it. */
const counters = new WeakMap<RedisClient, () => number>()

function breaksOf(client: RedisClient, events: readonly string[]): () => number {
  const known = counters.get(client)
  if (known !== undefined) return known
  let breaks = 0
  for (const event of events) client.on?.(event, () => void breaks++)
  const counter = (): number => breaks
  counters.set(client, counter)
  return counter
}

function isIoRedis(client: unknown): client is IoRedisClient {
  return hasMethods(client, ['get', 'call']) && 'status' in client
}

function isNodeRedis(client: unknown): client is NodeRedis {
  return hasMethods(client, ['get', 'sendCommand', 'connect', 'destroy']) && 'isOpen' in client
}

function hasMethods(value: unknown, names: readonly string[]): value is object {
  return (
    typeof value === 'object' && value !== null && names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function')
  )
}
