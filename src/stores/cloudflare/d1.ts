/**
 * Sessions in one table of a D1 database, which may hold other tables:
 *
 *   coatcheck_session   key, id, version, user, expires_at, due, body   as in statements.ts
 */
import type { SessionStore } from '../../core/types.ts'
import { unavailable } from '../common/errors.ts'
import { invalid, plainName, storeOptions } from '../common/options.ts'
import { type D1Binding, D1Rows } from './d1-rows.ts'
import { statementsFor } from './statements.ts'

export interface D1StoreOptions {
  /** The binding, such as `env.DB`; not a session of it (`withSession`), whose reads may be old. */
  readonly database: D1Binding
  /** Default `'coatcheck_session'`. */
  readonly table?: string
}

/** A store whose table has to be made once. */
export interface D1SessionStore extends SessionStore {
  /** Makes the table and its indexes where they are missing. To be run at deployment, not at every request. */
  migrate(): Promise<void>
}

/**
 * Keeps sessions in a D1 database: one place in the world answers, and every read sees every acknowledged write. A read, a write and
 * a slide are one round trip each. Run `migrate()` once, and `sweep(Date.now(), 10_000)` in a Cron Trigger: D1 drops nothing by itself.
 *
 * Make the sessions anew in each request, as below: Workers do not let one request wait for what another asked.
 *
 * Throws `config_invalid`; `ready()` rejects with it while the table is missing. `put` rejects with `session_too_large` for a row over 2 MB and
 * with `value_invalid` for text that is not well-formed, everything that fails later with `store_unavailable`.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { d1Store, type D1StoreOptions } from 'coatcheck/cloudflare'
 * import { fetchSessions, getSession } from 'coatcheck/fetch'
 *
 * interface Env {
 *   readonly DB: D1StoreOptions['database']
 *   readonly SESSION_SECRET: string
 * }
 *
 * async function hello(request: Request): Promise<Response> {
 *   const session = await getSession(request)
 *   return new Response(`visit ${String(session.update('visits', (n) => Number(n ?? 0) + 1))}`)
 * }
 *
 * // In a Worker: export default worker
 * const worker = {
 *   fetch(request: Request, env: Env) {
 *     const sessions = createSessions({ secret: env.SESSION_SECRET, store: d1Store({ database: env.DB }) })
 *     return fetchSessions(sessions, hello)(request)
 *   },
 *   scheduled: (_event: unknown, env: Env) => d1Store({ database: env.DB }).sweep?.(Date.now(), 10_000),
 * }
 * ```
 */
export function d1Store(options: D1StoreOptions): D1SessionStore {
  const { database, table } = settingsOf(options)
  const rows = new D1Rows(database, statementsFor(table))
  const fail = (error: unknown): never => {
    throw unavailable('d1Store', error, isMissing(error) ? `run \`await store.migrate()\` once, it makes ${table}` : undefined)
  }
  return {
    guarantees: { compareAndSwap: true, durable: true, mayEvict: false, userIndex: true },
    get: (id) => rows.find(id).catch(fail),
    put: (row, expected) => rows.put(row, expected).catch(fail),
    delete: (id) => rows.remove(id).catch(fail),
    touch: (id, expiresAt) => rows.touch(id, expiresAt).catch(fail),
    idsOf: async (user) => (user.isWellFormed() ? rows.idsOf(user).catch(fail) : []),
    async scan(cursor, limit) {
      const ids = await rows.idsAfter(cursor ?? '', limit).catch(fail)
      return { ids, cursor: ids.length < limit ? null : (ids.at(-1) ?? null) }
    },
    sweep: (now, limit) => rows.sweep(now, limit).catch(fail),
    ready: () =>
      rows.look().catch((error: unknown) => {
        if (!isMissing(error)) return fail(error)
        throw invalid(`d1Store: ${table} is not there, or another application's; run \`await store.migrate()\` once`, error)
      }),
    migrate: () => rows.create().catch(fail),
  }
}

function settingsOf(options: D1StoreOptions): Required<D1StoreOptions> {
  const { database, table = 'coatcheck_session' } = storeOptions('d1Store', options, ['database', 'table'])
  if (typeof database?.prepare !== 'function' || typeof database.batch !== 'function')
    throw invalid('d1Store needs a D1 binding; write for example d1Store({ database: env.DB })')
  if ('getBookmark' in database)
    throw invalid('d1Store was given a session of a database, which may read what was ended already; pass the binding itself, env.DB')
  return { database, table: plainName('d1Store', 'table', table, /^[A-Za-z_][A-Za-z0-9_]{0,62}$/) }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && /no such (table|column)/.test(error.message)
}
