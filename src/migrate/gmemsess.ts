/**
 * gmemsess 1.4, a session class on App Engine's memcache:
 *
 *   cookie   gsid=AbCdEfGh   eight letters; unsigned, 45 bits of chance
 *   key      the cookie's value, without prefix
 *   value    the dict, pickled (flags 2); 1800 seconds, anew at every visit
 */
import type { MoveIn } from '../http/move-in.ts'
import { oldCookiesOf } from '../http/old-cookies.ts'
import { foundBy, type FoundSession } from './app-engine/found.ts'
import { plainIds, type PlainIdOptions } from './app-engine/plain-ids.ts'
import { memcacheValue, type MemcacheReader } from './webapp2/memcache.ts'

export type { FoundSession } from './app-engine/found.ts'
export type { PlainIdOptions } from './app-engine/plain-ids.ts'
export type { MemcacheItem, MemcacheReader } from './webapp2/memcache.ts'

export interface GmemsessOptions extends PlainIdOptions {
  readonly memcache: MemcacheReader
}

/**
 * Takes over the sessions of gmemsess, each once. Its cookie proves nothing: whoever guesses one of eight letters has the session, so
 * `allowUnsignedIds` has to be written, and a `sunset` is wise. `cookieName` is the `name` of its `Session`, by default `gsid`;
 * `timeout` its `timeout` in seconds, by default 1800. Throws `config_invalid`.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { memoryStore } from 'coatcheck/memory'
 * import { fromGmemsess } from 'coatcheck/migrate/gmemsess'
 * const memcache = { gets: async () => null } // yours asks a memcached
 * const sessions = createSessions({
 *   secret: crypto.randomUUID(),
 *   store: memoryStore(),
 *   moveIn: [fromGmemsess({ memcache, allowUnsignedIds: true, sunset: '2099-12-31' })],
 * })
 * await sessions.close()
 * ```
 */
export function fromGmemsess(options: GmemsessOptions): MoveIn {
  return plainIds('fromGmemsess', options, {
    system: 'gmemsess',
    cookieName: 'gsid',
    timeout: 1800,
    id: /[A-Za-z]{8}/,
    options: [],
    async load(id, memcache) {
      const item = await memcache.gets(id)
      const read = item?.flags === 2 ? memcacheValue(item) : null
      return read?.ok ? read.value : null
    },
    keys: (id) => [id],
  })
}

/**
 * Reads one session of gmemsess from a raw `Cookie` header, or answers `null`; what is no eight letters never reaches memcache. `now` is
 * in unix milliseconds. Rejects when memcache does.
 *
 * @example
 * ```ts
 * import { readGmemsess } from 'coatcheck/migrate/gmemsess'
 * const memcache = { gets: async () => ({ value: Buffer.from('gAJ9cQFVAWFLAXMu', 'base64'), flags: 2 }) }
 * const found = await readGmemsess('gsid=AbCdEfGh', { memcache, allowUnsignedIds: true })
 * console.log(found?.values) // { a: 1 }
 * ```
 */
export function readGmemsess(
  cookieHeader: string | null | undefined,
  { now, ...options }: GmemsessOptions & { readonly now?: number },
): Promise<FoundSession | null> {
  return foundBy(fromGmemsess(options), typeof cookieHeader === 'string' ? oldCookiesOf(cookieHeader) : null, now ?? Date.now())
}
