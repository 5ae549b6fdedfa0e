import type { Clock, SessionStore, Timers } from '../../core/types.ts'
import { invalid, storeOptions, wholeNumber } from '../common/options.ts'
import { systemTimers } from '../common/timers.ts'
import { ExpressSessionStore } from './offered.ts'
import { startSweeping } from './sweeping.ts'

export interface AsExpressStoreOptions {
  /** How long a session lives, in milliseconds, whose cookie lives as long as the browser. Default one day. */
  readonly ttlMs?: number
  readonly clock?: Clock
  readonly timers?: Timers
}

/**
 * Offers a store of ours to express-session: `session({ store: asExpressStore(sqliteStore({ file })) })`. A request reads once, and writes
 * or touches once.
 *
 * express-session reads a session, and at the end writes the whole of it back. Parallel requests still overwrite each other's values, which only
 * `createSessions` can avoid; but a request that was under way while its session was destroyed or regenerated does not bring it back.
 * That is known of session objects that were read or made by a request, not of plain objects handed to `set`.
 *
 * `all`, `length` and `clear` are there where the store can walk its rows, and see sessions of express-session only. The store keeps
 * a hash of the session id, so what is stolen from it opens nothing. Sessions of coatcheck's own may be in the same store.
 *
 * Throws `config_invalid`. Errors of the store reach express-session as a `CoatcheckError` with `status` 503.
 *
 * @example
 * ```ts
 * import { asExpressStore } from 'coatcheck/express-store'
 * import { sqliteStore } from 'coatcheck/sqlite'
 * import express from 'express'
 * import session from 'express-session'
 *
 * const store = asExpressStore(sqliteStore({ file: '.tmp/sessions.db' }))
 * const app = express()
 * app.use(session({ secret: crypto.randomUUID(), resave: false, saveUninitialized: false, store }))
 * app.get('/', (req, res) => res.send(`session ${req.sessionID}`))
 * app.listen(3000)
 * ```
 */
export function asExpressStore(store: SessionStore, options: AsExpressStoreOptions = {}): ExpressSessionStore {
  const own = storeOptions('asExpressStore', options, ['ttlMs', 'clock', 'timers'])
  const { ttlMs = 86_400_000, clock = Date.now, timers = systemTimers } = own
  if (typeof store?.get !== 'function' || typeof store.put !== 'function')
    throw invalid("asExpressStore takes a store of ours; write for example asExpressStore(sqliteStore({ file: 'sessions.db' }))")
  wholeNumber('asExpressStore', 'ttlMs', ttlMs, 1_000)
  return new ExpressSessionStore(store, { ttlMs, clock, stopSweeping: startSweeping(store, clock, timers) })
}
