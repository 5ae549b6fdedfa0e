/**
 * Our sessions in a store of express-session's:
 *
 *   coatcheck-<id>   { cookie: { expires, maxAge, originalMaxAge, … }, coatcheck: { body, user, expiresAt, version } }
 *
 * The cookie is there because such stores take their time to live from it, some from `expires`, some from `maxAge`.
 */
import type { Row, SessionStore, StoredRow } from '../../core/types.ts'
import { unavailable } from '../common/errors.ts'
import { foreignRow } from '../common/filed.ts'
import { invalid } from '../common/options.ts'
import { versionMint } from '../common/versions.ts'

type Done = (error?: unknown) => void

/** A store for express-session, as far as it is needed here. */
export interface ForeignStore {
  get(sid: string, callback: (error: unknown, session?: object | null) => void): unknown
  set(sid: string, session: object, callback: Done): unknown
  destroy(sid: string, callback: Done): unknown
}

/**
 * Keeps sessions in any store for express-session: connect-redis, connect-pg-simple, connect-mongo, its MemoryStore … They know no
 * compare-and-swap, so `createSessions` wants `unsafeLastWriteWins: true` written beside it. `put` reads, compares and then writes: a
 * request that comes late is noticed, two at the same moment are not, and one of them is lost. A store of ours does better.
 *
 * A read is one call and a write two. There is no user index and no touch, and nothing is promised about crashes or eviction, which are
 * the other store's. What that store does not take (size, characters) rejects as it says.
 *
 * Throws `config_invalid` for what is no such store, a class for example. Everything that fails later rejects with `store_unavailable`.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { expressStore } from 'coatcheck/express-store'
 * import session from 'express-session'
 *
 * const store = expressStore(new session.MemoryStore())
 * const sessions = createSessions({ secret: crypto.randomUUID(), store, unsafeLastWriteWins: true })
 * await sessions.ready()
 * ```
 */
export function expressStore(store: ForeignStore): SessionStore {
  checkStore(store)
  const mint = versionMint()

  async function get(id: string): Promise<StoredRow | null> {
    const session = await call<object | null | undefined>((done) => store.get(sidOf(id), done)).catch(missing)
    return session === null || session === undefined ? null : rowIn(id, session)
  }

  async function put(row: Row, expected: string | null): Promise<string | null> {
    const found = await get(row.id)
    if ((found === null ? null : found.version) !== expected) return null
    const version = mint()
    await call((done) => store.set(sidOf(row.id), sessionOf(row, version), done))
    return version
  }

  const fail = (error: unknown): never => {
    throw unavailable('expressStore', error)
  }
  return {
    guarantees: { compareAndSwap: false, durable: false, mayEvict: true, userIndex: false },
    get: (id) => get(id).catch(fail),
    put: (row, expected) => put(row, expected).catch(fail),
    delete: (id) => call((done) => store.destroy(sidOf(id), done)).then(() => undefined, fail),
    ready: () => get('ready').then(() => undefined, fail),
  }
}

function checkStore(store: ForeignStore): void {
  if (typeof store === 'function')
    throw invalid('expressStore takes a store, not its class; write for example expressStore(new RedisStore({ client }))')
  const lacking = (['get', 'set', 'destroy'] as const).find((name) => typeof store?.[name] !== 'function')
  if (lacking === undefined) return
  throw invalid(`expressStore takes a store for express-session, and this has no ${lacking}; write for example new RedisStore({ client })`)
}

/** A method that takes a callback, as a promise. Some throw instead, and some are promises that reject. */
function call<T>(run: (done: (error?: unknown, value?: T) => void) => unknown): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const done = (error?: unknown, value?: T): void => (error ? reject(error) : resolve(value as T))
    Promise.resolve(run(done)).catch(reject)
  })
}

/** Stores of files say so of a session that is not there; express-session takes it for that too. */
function missing(error: unknown): null {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
  throw error
}

function sidOf(id: string): string {
  return `coatcheck-${id}`
}

function sessionOf({ body, user, expiresAt }: Row, version: string): object {
  // Whole seconds, and one more: some stores round down, and nothing may go early.
  const leftMs = Math.max(1, Math.ceil((expiresAt - Date.now()) / 1_000) + 1) * 1_000
  const expires = new Date(Date.now() + leftMs)
  const cookie = { originalMaxAge: leftMs, maxAge: leftMs, expires, path: '/', httpOnly: true, secure: true, sameSite: 'lax' }
  return { cookie, coatcheck: { body, user, expiresAt, version } }
}

/** What is not ours under our key becomes a row that the engine refuses. */
function rowIn(id: string, session: object): StoredRow {
  const { coatcheck } = session as { coatcheck?: unknown }
  if (typeof coatcheck === 'object' && coatcheck !== null) {
    const { body, user, expiresAt, version } = coatcheck as Partial<StoredRow>
    const ours = typeof body === 'string' && typeof version === 'string' && typeof expiresAt === 'number'
    if (ours && (user === null || typeof user === 'string')) return { id, body, user, expiresAt, version }
  }
  return foreignRow(id)
}
