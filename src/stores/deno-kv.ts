/**
 * Sessions in Deno KV:
 *
 *   [prefix, 'session', id]      { body: UTF-8 bytes, user, expiresAt }   its versionstamp is the version
 *   [prefix, 'user', user, id]   1, written together with the session
 *
 * Both expire on their own. Bytes, because text with one character beyond Latin would take two bytes for each of its characters. A put does not
 * know whose the session was before, so what the index names may be somebody else's by now: `idsOf` looks at the rows.
 */
import type { Row, SessionStore, StoredRow } from '../core/types.ts'
import { tooLarge, unavailable } from './common/errors.ts'
import { invalid, plainName, storeOptions } from './common/options.ts'
import { whileLocked } from './deno-kv/locked.ts'

type Key = readonly string[]

interface Entry {
  readonly key: readonly unknown[]
  readonly value: unknown
  readonly versionstamp: string | null
}

interface Atomic {
  check(...checks: { key: string[]; versionstamp: string | null }[]): Atomic
  set(key: string[], value: unknown, options: { expireIn: number }): Atomic
  delete(key: string[]): Atomic
  commit(): Promise<{ readonly ok: boolean; readonly versionstamp?: string }>
}

interface Kv {
  get(key: string[]): Promise<Entry>
  getMany(keys: string[][]): Promise<Entry[]>
  list(selector: { prefix: string[] }, options?: { limit?: number; cursor?: string }): AsyncIterable<Entry> & { readonly cursor: string }
  atomic(): Atomic
}

export interface DenoKvStoreOptions {
  /** What `Deno.openKv()` gave. It stays yours: close it when all is done. */
  readonly kv: Kv
  /** First part of every key. Default `'coatcheck'`. */
  readonly prefix?: string
}

/** https://docs.deno.com/deploy/kv/: a value, serialised. */
const valueBytesMax = 65_536
/** What serialising adds to the bytes of the body, at most, besides the user. */
const otherBytes = 128
const keysOnceMax = 10
const versionstamp = /^[0-9a-f]{20}$/

/**
 * Keeps sessions in Deno KV, in a file of this machine (SQLite) or on Deno Deploy. A read and a write are one round trip each; so is a
 * slide, which writes the session again: an expiry cannot be moved there without a new version. A logout takes two.
 *
 * Throws `config_invalid`. `put` rejects with `session_too_large` when a session does not fit the 64 KiB of a value, everything that fails
 * later with `store_unavailable`. With `Deno.openKv(':memory:')` sessions end with the process, whatever `guarantees` says.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { denoKvStore, type DenoKvStoreOptions } from 'coatcheck/deno-kv'
 *
 * // deno run --unstable-kv …
 * declare const Deno: { openKv(path?: string): Promise<DenoKvStoreOptions['kv']> }
 * if ('Deno' in globalThis) {
 *   const store = denoKvStore({ kv: await Deno.openKv('sessions.kv') })
 *   const sessions = createSessions({ secret: crypto.randomUUID(), store })
 *   await sessions.ready()
 * }
 * ```
 */
export function denoKvStore(options: DenoKvStoreOptions): SessionStore {
  const own = storeOptions('denoKvStore', options, ['kv', 'prefix'])
  const { kv } = own
  const prefix = plainName('denoKvStore', 'prefix', own.prefix ?? 'coatcheck', /^[A-Za-z0-9_:.-]{1,64}$/)
  if (typeof kv?.atomic !== 'function') throw invalid('denoKvStore needs a Deno.Kv; write denoKvStore({ kv: await Deno.openKv() })')
  const rowKey = (id: string): string[] => [prefix, 'session', id]
  const indexKey = (user: string, id: string): string[] => [prefix, 'user', user, id]

  async function get(id: string): Promise<StoredRow | null> {
    return rowOf(id, await kv.get(rowKey(id)))
  }

  async function put({ id, body, user, expiresAt }: Row, expected: string | null): Promise<string | null> {
    const value = { body: new TextEncoder().encode(body), user, expiresAt }
    // The serialised text of a user takes at most two bytes for each unit.
    const bytes = value.body.length + 2 * (user?.length ?? 0) + otherBytes
    if (bytes > valueBytesMax) throw tooLarge('denoKvStore', bytes, valueBytesMax)
    if (expected !== null && !versionstamp.test(expected)) return null
    const expiry = { expireIn: Math.max(1, Math.ceil(expiresAt - Date.now())) }
    const write = kv
      .atomic()
      .check({ key: rowKey(id), versionstamp: expected })
      .set(rowKey(id), value, expiry)
    const written = await (user === null ? write : write.set(indexKey(user, id), 1, expiry)).commit()
    return written.ok ? (written.versionstamp ?? null) : null
  }

  async function remove(id: string): Promise<void> {
    const user = (await get(id))?.user ?? null
    const write = kv.atomic().delete(rowKey(id))
    await (user === null ? write : write.delete(indexKey(user, id))).commit()
  }

  async function idsOf(user: string): Promise<string[]> {
    const named: string[] = []
    for await (const { key } of kv.list({ prefix: [prefix, 'user', user] })) named.push(idIn(key as Key))
    const reads: Promise<Entry[]>[] = []
    for (let i = 0; i < named.length; i += keysOnceMax) reads.push(kv.getMany(named.slice(i, i + keysOnceMax).map(rowKey)))
    const rows = (await Promise.all(reads)).flat()
    return named.filter((id, n) => rows[n] !== undefined && rowOf(id, rows[n])?.user === user)
  }

  const asking = <T>(call: () => Promise<T>): Promise<T> =>
    whileLocked(call).catch((error: unknown) => {
      throw unavailable('denoKvStore', error)
    })
  return {
    guarantees: { compareAndSwap: true, durable: true, mayEvict: false, userIndex: true },
    get: (id) => asking(() => get(id)),
    put: (row, expected) => asking(() => put(row, expected)),
    delete: (id) => asking(() => remove(id)),
    idsOf: (user) => asking(() => idsOf(user)),
    scan: (cursor, limit) => asking(() => pageOf(kv, [prefix, 'session'], cursor, limit)),
    ready: () => asking(() => get('ready')).then(() => undefined),
  }
}

async function pageOf(kv: Kv, prefix: string[], cursor: string | null, limit: number): Promise<{ ids: string[]; cursor: string | null }> {
  const entries = kv.list({ prefix }, { limit, ...(cursor === null ? {} : { cursor }) })
  const ids: string[] = []
  for await (const { key } of entries) ids.push(idIn(key as Key))
  return { ids, cursor: ids.length < limit ? null : entries.cursor }
}

function idIn(key: Key): string {
  return key.at(-1) ?? ''
}

/** What is not ours under our key becomes a row that the engine refuses. */
function rowOf(id: string, { value, versionstamp }: Entry): StoredRow | null {
  if (versionstamp === null) return null
  const foreign = { id, body: '?', user: null, expiresAt: 0, version: versionstamp }
  if (typeof value !== 'object' || value === null) return foreign
  const { body, user, expiresAt } = value as { body?: unknown; user?: unknown; expiresAt?: unknown }
  const ours = body instanceof Uint8Array && typeof expiresAt === 'number' && (user === null || typeof user === 'string')
  return ours ? { id, body: new TextDecoder('utf-8', { ignoreBOM: true }).decode(body), user, expiresAt, version: versionstamp } : foreign
}
