/**
 * Two home-made session layouts on App Engine's memcache, as they stand in write-ups that many applications copied:
 *
 *   a key for each variable   <sid>-<name>    the value by itself, 24 hours
 *   a key for the session     session-<sid>   the dict, pickled, 180 minutes
 *
 * Keys over 250 bytes are their SHA-1 in hex. Values have flags: webapp2/memcache.ts.
 */
import type { MoveIn } from '../http/move-in.ts'
import { oldCookiesOf } from '../http/old-cookies.ts'
import { foundBy, type FoundSession } from './app-engine/found.ts'
import { plainIds, type PlainIdOptions } from './app-engine/plain-ids.ts'
import { invalid } from './common/reader.ts'
import { memcacheKey, memcacheValue, type MemcacheReader } from './webapp2/memcache.ts'

export type { FoundSession } from './app-engine/found.ts'
export type { PlainIdOptions } from './app-engine/plain-ids.ts'
export type { MemcacheItem, MemcacheReader } from './webapp2/memcache.ts'

export interface MemcacheSessionsOptions extends PlainIdOptions {
  readonly memcache: MemcacheReader
  /** The old cookie's exact name. */
  readonly cookieName: string
  /** What an id looks like, all of it: `/[0-9a-f]{32}/`. Anything else never reaches memcache, so be narrow. */
  readonly id: RegExp
  /**
   * `variables`: the names of the variables that a session may have, where each has a key `<sid>-<name>`. Without it, the session is one
   * dict under `session-<sid>`.
   */
  readonly variables?: readonly string[]
}

/**
 * Takes over the sessions of an application that kept them in memcache by hand, each once. Their cookies prove nothing, so
 * `allowUnsignedIds` has to be written, and a `sunset` is wise. `timeout`: seconds after the last use, by default 86,400 with
 * `variables` and 10,800 without. A variable that cannot be read is left out. Throws `config_invalid`.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { memoryStore } from 'coatcheck/memory'
 * import { fromMemcacheSessions } from 'coatcheck/migrate/memcache-sessions'
 * const memcache = { gets: async () => null } // yours asks a memcached
 * const old = fromMemcacheSessions({
 *   memcache,
 *   cookieName: 'sid',
 *   id: /[0-9a-f]{32}/,
 *   variables: ['user', 'cart'],
 *   allowUnsignedIds: true,
 * })
 * const sessions = createSessions({ secret: crypto.randomUUID(), store: memoryStore(), moveIn: [old] })
 * await sessions.close()
 * ```
 */
export function fromMemcacheSessions(options: MemcacheSessionsOptions): MoveIn {
  const { id, variables, cookieName } = options ?? {}
  if (!(id instanceof RegExp)) throw invalid('fromMemcacheSessions: id must say what an id looks like; write for example /[0-9a-f]{32}/')
  if (typeof cookieName !== 'string') throw invalid("fromMemcacheSessions: write the old cookie's cookieName")
  if (variables !== undefined && !(Array.isArray(variables) && variables.every((name) => typeof name === 'string' && name !== '__proto__')))
    throw invalid("fromMemcacheSessions: variables must be names; write for example ['user', 'cart']")
  const keysOf = (sid: string): readonly string[] =>
    variables === undefined ? [memcacheKey(`session-${sid}`)] : variables.map((name) => memcacheKey(`${sid}-${name}`))

  async function load(sid: string, memcache: MemcacheReader): Promise<unknown> {
    const items = await Promise.all(keysOf(sid).map((key) => memcache.gets(key)))
    const reads = items.map((item) => (item ? memcacheValue(item) : null))
    if (variables === undefined) return reads[0]?.ok ? reads[0].value : null
    const values: Record<string, unknown> = {}
    for (const [at, name] of variables.entries()) {
      const read = reads[at]
      if (read?.ok) values[name] = read.value
    }
    return Object.keys(values).length === 0 ? null : values
  }

  return plainIds('fromMemcacheSessions', options, {
    system: 'memcache',
    cookieName,
    timeout: variables === undefined ? 10_800 : 86_400,
    id,
    options: ['id', 'variables'],
    load,
    keys: keysOf,
  })
}

/**
 * Reads one such session from a raw `Cookie` header, or answers `null`. `now` is in unix milliseconds. Rejects when memcache does.
 *
 * @example
 * ```ts
 * import { readMemcacheSession } from 'coatcheck/migrate/memcache-sessions'
 * const memcache = { gets: async (key: string) => (key === 'a1b2-user' ? { value: Buffer.from('ada'), flags: 1 } : null) }
 * const options = { memcache, cookieName: 'sid', id: /[0-9a-f]{4}/, variables: ['user', 'cart'], allowUnsignedIds: true } as const
 * console.log((await readMemcacheSession('sid=a1b2', options))?.values) // { user: 'ada' }
 * ```
 */
export function readMemcacheSession(
  cookieHeader: string | null | undefined,
  { now, ...options }: MemcacheSessionsOptions & { readonly now?: number },
): Promise<FoundSession | null> {
  return foundBy(fromMemcacheSessions(options), typeof cookieHeader === 'string' ? oldCookiesOf(cookieHeader) : null, now ?? Date.now())
}
