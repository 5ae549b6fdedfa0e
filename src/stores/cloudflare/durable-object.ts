/**
 * Sessions in Durable Objects: `shards` objects named `<prefix>0`, `<prefix>1` …, each with a table of its own (object.ts). The id of a
 * session says which object keeps it; `idsOf` asks all of them.
 *
 * Not one object for each session: a user's sessions would then be listed in yet another object, and no transaction spans two. Here a row and
 * its place in the user index are one row of one table. The price is that a session does not live near its visitor, but where its
 * object was first asked for.
 */
import type { Row, SessionStore, StoredRow } from '../../core/types.ts'
import { unavailable } from '../common/errors.ts'
import { invalid, plainName, storeOptions, wholeNumber } from '../common/options.ts'
import { checkRow } from './statements.ts'

interface ObjectStub {
  fetch(url: string, init: { method: string; body: string }): Promise<{ text(): Promise<string> }>
}

interface ObjectNamespace {
  idFromName(name: string): object
  get(id: object, options?: { locationHint?: string }): ObjectStub
}

export interface DurableObjectStoreOptions {
  /** The binding of `CoatcheckObject`, such as `env.SESSIONS`; or a jurisdiction of it: `env.SESSIONS.jurisdiction('eu')`. */
  readonly namespace: ObjectNamespace
  /**
   * How many objects share the sessions. Default 16. One answers about 1,000 calls a second. Another number puts sessions elsewhere:
   * everybody is signed out.
   */
  readonly shards?: number
  /** Begins the names of the objects. Default `'coatcheck-'`. */
  readonly prefix?: string
  /** Where objects are made, such as `'weur'`. Default: near whoever asks first. */
  readonly locationHint?: string
}

/**
 * Keeps sessions in Durable Objects of the class `CoatcheckObject`, which your Worker exports and binds. Every call is one round trip to one
 * object, but for `idsOf`, which asks all; objects answer one call at a time, so compare-and-swap always holds.
 *
 * Make the sessions anew in each request, as below: Workers do not let one request wait for what another asked.
 *
 * Throws `config_invalid`; `ready()` rejects with it for a binding of another class or one without SQLite. `put` rejects with
 * `session_too_large` for a row over 2 MB and with `value_invalid` for text that is not well-formed, everything that fails later with
 * `store_unavailable`.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { durableObjectStore, type DurableObjectStoreOptions } from 'coatcheck/cloudflare'
 * import { fetchSessions, getSession } from 'coatcheck/fetch'
 *
 * interface Env {
 *   readonly SESSIONS: DurableObjectStoreOptions['namespace']
 *   readonly SESSION_SECRET: string
 * }
 *
 * async function hello(request: Request): Promise<Response> {
 *   const session = await getSession(request)
 *   return new Response(`visit ${String(session.update('visits', (n) => Number(n ?? 0) + 1))}`)
 * }
 *
 * // In a Worker: export default worker, and export { CoatcheckObject } from 'coatcheck/cloudflare'
 * const worker = {
 *   fetch(request: Request, env: Env) {
 *     const sessions = createSessions({ secret: env.SESSION_SECRET, store: durableObjectStore({ namespace: env.SESSIONS }) })
 *     return fetchSessions(sessions, hello)(request)
 *   },
 * }
 * ```
 */
export function durableObjectStore(options: DurableObjectStoreOptions): SessionStore {
  const { namespace, shards, prefix, placing } = settingsOf(options)

  async function ask<T>(shard: number, operation: string, ...args: unknown[]): Promise<T> {
    const object = namespace.get(namespace.idFromName(`${prefix}${shard}`), placing)
    const response = await object.fetch('https://coatcheck/', { method: 'POST', body: JSON.stringify([operation, ...args]) })
    return answerIn<T>(await response.text())
  }

  async function put(row: Row, expected: string | null): Promise<string | null> {
    checkRow('durableObjectStore', row)
    return ask(shardOf(row.id, shards), 'put', row, expected)
  }

  async function scan(cursor: string | null, limit: number): Promise<{ ids: string[]; cursor: string | null }> {
    const [shard = '0', after = ''] = cursor?.split(' ') ?? []
    const ids = await ask<string[]>(Number(shard), 'idsAfter', after, limit)
    if (ids.length === limit) return { ids, cursor: `${shard} ${ids.at(-1)}` }
    const next = Number(shard) + 1
    return { ids, cursor: next < shards ? `${next} ` : null }
  }

  const fail = (error: unknown): never => {
    throw unavailable('durableObjectStore', error)
  }
  return {
    guarantees: { compareAndSwap: true, durable: true, mayEvict: false, userIndex: true },
    get: (id) => ask<StoredRow | null>(shardOf(id, shards), 'get', id).catch(fail),
    put: (row, expected) => put(row, expected).catch(fail),
    delete: (id) => ask<number>(shardOf(id, shards), 'delete', id).then(() => undefined, fail),
    touch: (id, expiresAt) => ask<boolean>(shardOf(id, shards), 'touch', id, expiresAt).catch(fail),
    async idsOf(user) {
      if (!user.isWellFormed()) return []
      const all = Array.from({ length: shards }, (_, shard) => ask<string[]>(shard, 'idsOf', user))
      return (await Promise.all(all).catch(fail)).flat()
    },
    scan: (cursor, limit) => scan(cursor, limit).catch(fail),
    async ready() {
      await ask(0, 'ready').catch((error: unknown) => {
        const wrong = misboundBy(error)
        throw wrong === null ? unavailable('durableObjectStore', error) : invalid(`durableObjectStore: ${wrong}`, error)
      })
    },
  }
}

interface Settings {
  readonly namespace: ObjectNamespace
  readonly shards: number
  readonly prefix: string
  readonly placing: { locationHint?: string }
}

function settingsOf(options: DurableObjectStoreOptions): Settings {
  const own = storeOptions('durableObjectStore', options, ['namespace', 'shards', 'prefix', 'locationHint'])
  const { namespace, shards = 16, prefix = 'coatcheck-', locationHint } = own
  if (typeof namespace?.idFromName !== 'function' || typeof namespace.get !== 'function')
    throw invalid('durableObjectStore needs a Durable Object binding; write for example durableObjectStore({ namespace: env.SESSIONS })')
  return {
    namespace,
    shards: wholeNumber('durableObjectStore', 'shards', shards, 1, 1_000),
    prefix: plainName('durableObjectStore', 'prefix', prefix),
    placing: locationHint === undefined ? {} : { locationHint },
  }
}

const anotherClass = 'the class bound there is not CoatcheckObject; export it from your Worker and name it in the binding'

function answerIn<T>(text: string): T {
  const answer: unknown = text.startsWith('{"coatcheck":') ? JSON.parse(text) : null
  if (answer === null) throw new Error(anotherClass)
  return (answer as { coatcheck: T }).coatcheck
}

/** What a person has to change in the configuration, where that is what is wrong. */
function misboundBy(error: unknown): string | null {
  const message = error instanceof Error ? error.message : ''
  if (message === anotherClass) return message
  return message.includes('SQL is not enabled')
    ? 'CoatcheckObject was bound without SQLite; list it under new_sqlite_classes, not new_classes, in the migrations of the Worker'
    : null
}

/** FNV-1a of the id. */
function shardOf(id: string, shards: number): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193)
  return (hash >>> 0) % shards
}
