/**
 * Sessions in a KV namespace:
 *
 *   <prefix><id>   {"body":…,"user":…,"expiresAt":…,"version":…}   with a TTL, at least the 60 seconds that KV wants
 */
import type { Row, SessionStore, StoredRow } from '../../core/types.ts'
import { tooLarge, unavailable } from '../common/errors.ts'
import { foreignRow } from '../common/filed.ts'
import { invalid, plainName, storeOptions } from '../common/options.ts'
import { versionMint } from '../common/versions.ts'

interface KvBinding {
  get(key: string): Promise<string | null>
  put(key: string, value: string, options: { expirationTtl: number }): Promise<void>
  delete(key: string): Promise<void>
  list(options: { prefix: string; limit: number; cursor?: string }): Promise<{
    readonly keys: readonly { readonly name: string }[]
    readonly list_complete: boolean
    readonly cursor?: string
  }>
}

export interface KvStoreOptions {
  /** The binding, such as `env.SESSIONS`. */
  readonly namespace: KvBinding
  /** Begins every key. Default `'coatcheck:'`. */
  readonly prefix?: string
}

// https://developers.cloudflare.com/kv/platform/limits/ and …/kv/api/write-key-value-pairs/
const valueBytesMax = 25 * 1024 * 1024
const ttlSecondsMin = 60
const pageMax = 1_000

/**
 * Keeps sessions in Workers KV. Fast to read everywhere, and the weakest of the three: there is no compare-and-swap, and for up to
 * 60 seconds after a write or a logout another location may still read what was there before. So `createSessions` wants
 * `unsafeLastWriteWins: true` written beside it, and who must be signed out at once needs `durableObjectStore` or `d1Store`.
 *
 * `put` reads and compares before it writes: that keeps a slow request from reviving what this location has seen end, no more. KV
 * takes one write a second for each key and answers more with an error. There is no user index and no touch.
 *
 * Throws `config_invalid`. `put` rejects with `session_too_large` over 25 MiB, everything that fails later with `store_unavailable`.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { kvStore, type KvStoreOptions } from 'coatcheck/cloudflare'
 *
 * interface Env {
 *   readonly SESSIONS: KvStoreOptions['namespace']
 *   readonly SESSION_SECRET: string
 * }
 *
 * // Within a request: Workers do not let one request wait for what another asked.
 * const sessionsFor = (env: Env) =>
 *   createSessions({ secret: env.SESSION_SECRET, store: kvStore({ namespace: env.SESSIONS }), unsafeLastWriteWins: true })
 * ```
 */
export function kvStore(options: KvStoreOptions): SessionStore {
  const own = storeOptions('kvStore', options, ['namespace', 'prefix'])
  const { namespace } = own
  const prefix = plainName('kvStore', 'prefix', own.prefix ?? 'coatcheck:')
  if (typeof namespace?.get !== 'function' || typeof namespace.list !== 'function')
    throw invalid('kvStore needs a KV binding; write for example kvStore({ namespace: env.SESSIONS })')
  const mint = versionMint()

  async function get(id: string): Promise<StoredRow | null> {
    const value = await namespace.get(prefix + id)
    return value === null ? null : rowOf(id, value)
  }

  async function put({ id, body, user, expiresAt }: Row, expected: string | null): Promise<string | null> {
    const version = mint()
    const value = JSON.stringify({ body, user, expiresAt, version })
    const bytes = Buffer.byteLength(value)
    if (bytes > valueBytesMax) throw tooLarge('kvStore', bytes, valueBytesMax)
    const found = await get(id)
    if ((found === null ? null : found.version) !== expected) return null
    // KV counts from the second that has begun, so a second more is never early.
    const expirationTtl = Math.max(ttlSecondsMin, Math.ceil((expiresAt - Date.now()) / 1_000) + 1)
    await namespace.put(prefix + id, value, { expirationTtl })
    return version
  }

  async function scan(cursor: string | null, limit: number): Promise<{ ids: string[]; cursor: string | null }> {
    const page = await namespace.list({ prefix, limit: Math.min(limit, pageMax), ...(cursor === null ? {} : { cursor }) })
    return { ids: page.keys.map(({ name }) => name.slice(prefix.length)), cursor: page.list_complete ? null : (page.cursor ?? null) }
  }

  const fail = (error: unknown): never => {
    throw unavailable('kvStore', error)
  }
  return {
    guarantees: { compareAndSwap: false, durable: true, mayEvict: false, userIndex: false },
    get: (id) => get(id).catch(fail),
    put: (row, expected) => put(row, expected).catch(fail),
    delete: (id) => namespace.delete(prefix + id).catch(fail),
    scan: (cursor, limit) => scan(cursor, limit).catch(fail),
  }
}

/** What is not ours under our key becomes a row that the engine refuses. */
function rowOf(id: string, value: string): StoredRow {
  try {
    const { body, user, expiresAt, version } = JSON.parse(value) as Partial<StoredRow>
    const ours = typeof body === 'string' && typeof version === 'string' && typeof expiresAt === 'number'
    if (ours && (user === null || typeof user === 'string')) return { id, body, user, expiresAt, version }
  } catch {
    // Not JSON.
  }
  return foreignRow(id)
}
