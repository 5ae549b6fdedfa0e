/** Sessions as bytes under a key, in Redis or memcached. */
import { CoatcheckError } from '../../core/errors.ts'
import { invalid } from './reader.ts'
import { redisKeys, type RedisKeys } from './redis-keys.ts'

/**
 * A client of node-redis 5, ioredis or iovalkey as it is; or whatever answers bytes, as clients of memcached do, by themselves or as the
 * `value` of an object.
 */
export interface ByteStore {
  get(key: string): Promise<unknown>
  del?(key: string): Promise<unknown>
  delete?(key: string): Promise<unknown>
}

/** One way to all of them. */
export interface Bytes {
  read(key: string): Promise<Uint8Array | null>
  end(key: string): Promise<void>
  /** Where a client can name its keys. */
  keys(prefix: string): RedisKeys | undefined
}

/** What ioredis and node-redis have beside, to answer bytes. */
interface RedisExtras {
  getBuffer?(key: string): Promise<unknown>
  withTypeMapping?(mapping: Record<number, unknown>): ByteStore
}

/** `$`, a bulk string of RESP. https://github.com/redis/node-redis/blob/master/docs/RESP.md */
const bulkString = 0x24

/** Throws `config_invalid`. */
export function byteStore(reader: string, option: string, store: ByteStore): Bytes {
  const { getBuffer, withTypeMapping } = (store ?? {}) as RedisExtras
  const remove = store?.del ?? store?.delete
  if (typeof store?.get !== 'function' || typeof remove !== 'function')
    throw invalid(`${reader}: ${option} must be a client of Redis or memcached, with get(key) and del(key) or delete(key)`)
  const get =
    typeof getBuffer === 'function'
      ? getBuffer.bind(store)
      : typeof withTypeMapping === 'function'
        ? ((mapped) => mapped.get.bind(mapped))(withTypeMapping.call(store, { [bulkString]: Buffer }))
        : store.get.bind(store)
  return {
    read: async (key) => bytesIn(await get(key), option),
    end: async (key) => void (await remove.call(store, key)),
    keys: (prefix) => redisKeys(store, prefix),
  }
}

function bytesIn(answer: unknown, option: string): Uint8Array | null {
  if (answer === null || answer === undefined) return null
  const value = typeof answer === 'object' && 'value' in answer ? answer.value : answer
  if (value === null || value === undefined) return null
  if (value instanceof Uint8Array) return value
  // What was no UTF-8 is lost.
  if (typeof value === 'string' && !value.includes('\ufffd')) return Buffer.from(value)
  throw new CoatcheckError(
    'config_invalid',
    `${option}: get answers no bytes; pass a client, or a function around one, that answers a Buffer`,
  )
}
