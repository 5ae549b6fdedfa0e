/**
 * A cache in front of a durable store. The durable store decides and owns the version; the cache holds, under the same ids,
 *
 *   value   a row, and since when it is known         a read answers it for `staleMs`
 *   none    that there is no row, and since when      the same
 *   hole    nothing: may be filled by who has seen it before asking the durable store
 *   tomb    a write is under way: nobody fills it     for `tombstoneMs`, should the writer have died
 *
 *   read:   cache → fresh? answer it. Else: durable store → fill, by compare-and-swap on what was seen in the cache
 *   write:  tombstone → durable store → what it came to, by compare-and-swap on the tombstone
 *
 * Why it is right: decisions/012-tiered.md.
 */
import { CoatcheckError } from '../core/errors.ts'
import type { Clock, SessionStore, Timers } from '../core/types.ts'
import { innerStore } from './common/inner-store.ts'
import { invalid, storeOptions, wholeNumber } from './common/options.ts'
import { Cache } from './tiered/cache.ts'
import { type CacheFailure, Line } from './tiered/line.ts'
import { Reads } from './tiered/reads.ts'
import { Writes } from './tiered/writes.ts'

export type { CacheFailure } from './tiered/line.ts'

export interface TieredStoreOptions {
  /** Any store with compare-and-swap, shared by all processes or one in each. It may evict, and be emptied at any time. */
  readonly cache: SessionStore
  /** Where sessions are kept. */
  readonly durable: SessionStore
  /**
   * How old an answer from the cache may be, in milliseconds, when the cache was not told of a write: because it was away, or because it
   * is another process's own (`memoryStore`). With a shared cache that is up, no answer is old at all. Default 1,000.
   */
  readonly staleMs?: number
  /** How long a call may wait for the cache before it goes on without. Default 250. */
  readonly cacheDeadlineMs?: number
  /** How long a write that never ends keeps others from filling the cache. Default 5,000; more than `storeDeadline`. */
  readonly tombstoneMs?: number
  /** To be written when `durable` does not promise that an acknowledged write outlives a crash. */
  readonly unsafeNotDurable?: true
  /** Told of every call to the cache that failed or was too slow: to the sessions it is only slow. */
  readonly onCacheFailure?: (failure: CacheFailure) => void
  /** Default `Date.now`. */
  readonly clock?: Clock
  readonly timers?: Timers
}

const known = [
  'cache',
  'durable',
  'staleMs',
  'cacheDeadlineMs',
  'tombstoneMs',
  'unsafeNotDurable',
  'onCacheFailure',
  'clock',
  'timers',
] as const

/**
 * Puts a cache in front of a durable store: reads are answered by the cache, every guarantee is the durable store's. A cache that is
 * down, slow or empty costs speed, not sessions.
 *
 * Throws `config_invalid` for options that are wrong. Later it fails when the durable store does, and with its errors.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { memoryStore } from 'coatcheck/memory'
 * import { sqliteStore } from 'coatcheck/sqlite'
 * import { tieredStore } from 'coatcheck/tiered'
 *
 * const store = tieredStore({ cache: memoryStore(), durable: sqliteStore({ file: '.tmp/tiered.db' }) })
 * const sessions = createSessions({ secret: crypto.randomUUID(), store })
 * await sessions.ready()
 * await sessions.close()
 * ```
 */
export function tieredStore(options: TieredStoreOptions): SessionStore {
  const { cache, durable, clock, line, limits } = settingsOf(options)
  const entries = new Cache(cache, line, { ...limits, clock })
  const reads = new Reads(entries, durable, clock)
  const writes = new Writes(entries, durable, clock)
  const { touch, idsOf, scan, sweep } = durable
  const store: SessionStore = {
    guarantees: { ...durable.guarantees },
    get: (id) => reads.get(id),
    put: (row, expected) => writes.put(row, expected),
    delete: (id) => writes.delete(id),
    async ready() {
      await durable.ready?.()
      const wrong = await line.run('ready', () => wrongIn(cache))
      if (wrong instanceof CoatcheckError) throw wrong
    },
    async close() {
      await durable.close?.()
      await cache.close?.()
    },
  }
  if (cache.getMany !== undefined || durable.getMany !== undefined) store.getMany = (ids) => reads.getMany(ids)
  if (touch !== undefined) store.touch = (id, expiresAt) => writes.touch(id, () => touch.call(durable, id, expiresAt))
  if (idsOf !== undefined) store.idsOf = (user) => idsOf.call(durable, user)
  if (scan !== undefined) store.scan = (cursor, limit) => scan.call(durable, cursor, limit)
  if (sweep !== undefined) store.sweep = (now, limit) => sweep.call(durable, now, limit)
  return store
}

/** What is wrong with how the cache is set up. That it is away is no reason not to start. */
async function wrongIn(cache: SessionStore): Promise<CoatcheckError | null> {
  try {
    await cache.ready?.()
    return null
  } catch (error) {
    if (error instanceof CoatcheckError && error.code === 'config_invalid') return error
    throw error
  }
}

function settingsOf(options: TieredStoreOptions) {
  const own = storeOptions('tieredStore', options, known)
  const [cache, durable] = [innerStore('tieredStore', 'cache', own.cache), innerStore('tieredStore', 'durable', own.durable)]
  if (cache === durable) throw invalid('tieredStore: cache and durable are the same store; use it alone')
  if (!durable.guarantees.durable && own.unsafeNotDurable !== true)
    throw invalid('tieredStore: durable may lose acknowledged writes in a crash; choose another store, or write unsafeNotDurable: true')
  const deadlineMs = wholeNumber('tieredStore', 'cacheDeadlineMs', own.cacheDeadlineMs ?? 250, 1, 60_000)
  const limits = {
    staleMs: wholeNumber('tieredStore', 'staleMs', own.staleMs ?? 1_000, 1, 86_400_000),
    tombstoneMs: wholeNumber('tieredStore', 'tombstoneMs', own.tombstoneMs ?? 5_000, 1, 3_600_000),
  }
  const line = new Line({ deadlineMs, timers: own.timers ?? systemTimers, failed: own.onCacheFailure ?? (() => {}) })
  return { cache, durable, clock: own.clock ?? Date.now, line, limits }
}

const systemTimers: Timers = {
  set: (run, delayMs) => setTimeout(run, delayMs).unref(),
  clear: (timer) => clearTimeout(timer as NodeJS.Timeout),
}
