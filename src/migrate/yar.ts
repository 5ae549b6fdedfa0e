/**
 * @hapi/yar:
 *
 *   cookie   session=<seal>   the seal of common/iron.ts, without a password id and without an end
 *   seal     JSON: { id, _store } with the values, or { id } where they are too large for a cookie and stay in hapi's cache
 *   cache    by catbox: segment !@hapi/yar, the id, the values; catbox-redis has JSON under <partition>:!%40hapi%2Fyar:<id>
 */
import type { MoveIn, OldSession, OldTicket } from '../http/move-in.ts'
import { cookieText } from './common/cookie-value.ts'
import { idTest } from './common/ids.ts'
import { ironPassword, unseal, type IronKeys } from './common/iron.ts'
import { jsonValues, membersOf } from './common/json-values.ts'
import { invalid, moveInOptionNames, readerOf, readerOptions, type MoveInOptions } from './common/reader.ts'

/** A policy of hapi's cache: what `server.cache({ segment: '!@hapi/yar', shared: true, … })` makes. */
export interface YarCache {
  get(id: string): Promise<unknown>
  drop(id: string): Promise<unknown>
}

/** A client of node-redis, ioredis or iovalkey, for the layout of catbox-redis. */
export interface YarRedis {
  get(key: string): Promise<unknown>
  del(key: string): Promise<unknown>
}

/** The `cookieOptions.password` of the old application: text, or 32 bytes. */
export type YarPassword = string | Uint8Array

export interface YarOptions extends MoveInOptions {
  readonly password: YarPassword
  /** Where the sessions are that no cookie could hold. Default: only those in a cookie are taken over. */
  readonly cache?: YarCache | YarRedis
  /** With a Redis client: what stands before each id. Default `hapi-cache:!%40hapi%2Fyar:`. */
  readonly prefix?: string
  /** With `cache`: what a session id looks like, all of it, for a `customSessionIDGenerator`. Default `/[\w-]{16,128}/`. */
  readonly id?: RegExp
}

type Values = Record<string, unknown>

interface Opened {
  readonly id: string
  /** `null`: in the cache. */
  readonly values: Values | null
}

interface Cached {
  read(id: string, nowMs: number): Promise<unknown>
  end(id: string): Promise<void>
}

const keyBytes = 32
const own = ['_lazyKeys'] as const

/**
 * Takes over the sessions of @hapi/yar, each once, from the cookie `session` or the one `cookieName` says. All values come along, flashed
 * ones under `_flash`; nobody is signed in unless `map` says who. Set a `sunset`: these cookies never end by themselves. Throws
 * `config_invalid`.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { memoryStore } from 'coatcheck/memory'
 * import { fromYar } from 'coatcheck/migrate/yar'
 * const redis = { get: async () => null, del: async () => 0 } // the one of catbox-redis
 * const password = 'complex_password_at_least_32_characters_long'
 * const sessions = createSessions({
 *   secret: crypto.randomUUID(),
 *   store: memoryStore(),
 *   moveIn: [fromYar({ password, cache: redis, sunset: '2099-12-31' })],
 * })
 * await sessions.close()
 * ```
 */
export function fromYar(options: YarOptions): MoveIn {
  const given = readerOptions('fromYar', options, [...moveInOptionNames, 'password', 'cache', 'prefix', 'id'])
  const keys = keysOf('fromYar', given.password)
  const cache = cacheOf(given)
  const isId = idTest('fromYar', given.id)

  async function load({ id, values }: Opened, nowMs: number): Promise<OldSession | null> {
    const found = values ?? membersOf(await cache?.read(id, nowMs), own)
    return found === null ? null : { values: found, expiresAt: null, end: async () => cache?.end(id) }
  }

  return readerOf('fromYar', given, {
    system: 'yar',
    cookieName: 'session',
    verify(cookies, name, nowMs): OldTicket | null {
      // Two of them are none to hapi.
      const [value, ...others] = cookies.all(name)
      const opened = others.length > 0 ? null : open(cookieText(value), keys, nowMs)
      if (opened === null || (cache === null ? opened.values === null : !isId(opened.id))) return null
      return { identity: opened.id, load: () => load(opened, nowMs) }
    },
  })
}

/**
 * The values in a cookie of @hapi/yar, or `null`, also for a session that is in the cache. Never throws for a value, whatever it is. `now` is
 * in unix milliseconds.
 *
 * @example
 * ```ts
 * import { readYarSession } from 'coatcheck/migrate/yar'
 * console.log(readYarSession('Fe26.2**forged', { password: 'complex_password_at_least_32_characters_long' })) // null
 * ```
 */
export function readYarSession(
  cookieValue: string | null | undefined,
  options: { readonly password: YarPassword; readonly now?: number },
): Values | null {
  const { password, now = Date.now() } = readerOptions('readYarSession', options, ['password', 'now'])
  return open(cookieText(cookieValue), keysOf('readYarSession', password), now)?.values ?? null
}

function keysOf(reader: string, given: YarPassword): IronKeys {
  if (given instanceof Uint8Array && given.length !== keyBytes)
    throw invalid(`${reader}: a password that is bytes must be ${keyBytes} of them`)
  const password = given instanceof Uint8Array ? given : ironPassword(reader, given)
  return { passwordOf: (id) => (id === '' ? password : undefined), iterations: [1] }
}

function open(cookieValue: string | null, keys: IronKeys, nowMs: number): Opened | null {
  const unsealed = cookieValue === null ? null : unseal(cookieValue, keys, nowMs)
  const session = unsealed === null ? null : jsonValues(unsealed.json)
  const id = session?.['id']
  if (session === null || typeof id !== 'string' || id === '') return null
  const values = membersOf(session['_store'], own)
  return values === null && Object.hasOwn(session, '_store') ? null : { id, values }
}

function cacheOf({ cache, prefix, id }: YarOptions): Cached | null {
  const has = (name: string): boolean => typeof (cache as unknown as Values | undefined)?.[name] === 'function'
  const kind = cache === undefined ? 'none' : has('get') && has('del') ? 'redis' : has('get') && has('drop') ? 'policy' : null
  const wrong =
    kind === null
      ? "cache must be a Redis client, or what server.cache({ segment: '!@hapi/yar' }) makes"
      : prefix !== undefined && (kind !== 'redis' || typeof prefix !== 'string')
        ? 'prefix is what stands before the ids of catbox-redis; it goes with a Redis client'
        : id !== undefined && kind === 'none'
          ? 'id says what the ids in a cache look like; it goes with one'
          : null
  if (wrong !== null) throw invalid(`fromYar: ${wrong}`)
  if (kind === 'none') return null
  return kind === 'redis' ? inRedis(cache as YarRedis, prefix ?? 'hapi-cache:!%40hapi%2Fyar:') : inPolicy(cache as YarCache)
}

function inPolicy(cache: YarCache): Cached {
  return { read: (id) => cache.get(id), end: async (id) => void (await cache.drop(id)) }
}

function inRedis(redis: YarRedis, prefix: string): Cached {
  const keyOf = (id: string): string => prefix + encodeURIComponent(id)
  return {
    async read(id, nowMs) {
      const stored = await redis.get(keyOf(id))
      const envelope = typeof stored === 'string' ? jsonValues(stored) : null
      return Number(envelope?.['stored']) + Number(envelope?.['ttl']) > nowMs ? envelope?.['item'] : null
    },
    end: async (id) => void (await redis.del(keyOf(id))),
  }
}
