import type { Clock, SessionStore, Timers } from '../../core/types.ts'
import { innerStore } from '../common/inner-store.ts'
import { invalid, storeOptions, wholeNumber } from '../common/options.ts'
import { systemTimers } from '../common/timers.ts'
import type { CacheOptions } from './cache.ts'
import { type CacheFailure, Line } from './line.ts'

export interface TieredStoreOptions {
  /**
   * Any store with compare-and-swap, shared by all processes or one in each, under keys of its own (`prefix`). It may evict, and be emptied at any
   * time.
   */
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

interface Settings {
  readonly cache: SessionStore
  readonly durable: SessionStore
  readonly line: Line
  readonly limits: CacheOptions
}

export function settingsOf(options: TieredStoreOptions): Settings {
  const own = storeOptions('tieredStore', options, known)
  const [cache, durable] = [innerStore('tieredStore', 'cache', own.cache), innerStore('tieredStore', 'durable', own.durable)]
  if (cache === durable) throw invalid('tieredStore: cache and durable are the same store; use it alone')
  if (!durable.guarantees.durable && own.unsafeNotDurable !== true)
    throw invalid('tieredStore: durable may lose acknowledged writes in a crash; choose another store, or write unsafeNotDurable: true')
  const deadlineMs = wholeNumber('tieredStore', 'cacheDeadlineMs', own.cacheDeadlineMs ?? 250, 1, 60_000)
  const limits = {
    clock: own.clock ?? Date.now,
    staleMs: wholeNumber('tieredStore', 'staleMs', own.staleMs ?? 1_000, 1, 86_400_000),
    tombstoneMs: wholeNumber('tieredStore', 'tombstoneMs', own.tombstoneMs ?? 5_000, 1, 3_600_000),
  }
  const line = new Line({ deadlineMs, timers: own.timers ?? systemTimers, failed: own.onCacheFailure ?? (() => {}) })
  return { cache, durable, line, limits }
}
