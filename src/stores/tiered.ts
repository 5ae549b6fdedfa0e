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
import type { SessionStore } from '../core/types.ts'
import { Cache } from './tiered/cache.ts'
import { settingsOf, type TieredStoreOptions } from './tiered/options.ts'
import { Reads } from './tiered/reads.ts'
import { Writes } from './tiered/writes.ts'

export type { CacheFailure } from './tiered/line.ts'
export type { TieredStoreOptions } from './tiered/options.ts'

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
  const { cache, durable, line, limits } = settingsOf(options)
  const { clock } = limits
  const entries = new Cache(cache, line, limits)
  const reads = new Reads(entries, durable, clock)
  const writes = new Writes(entries, durable, clock)
  const { touch, idsOf, scan, sweep } = durable
  const store: SessionStore = {
    guarantees: { ...durable.guarantees },
    get: (id) => reads.get(id),
    put: (row, expected) => writes.put(row, expected),
    delete: (id) => writes.delete(id),
    async ready() {
      const [wrong] = await Promise.all([line.run('ready', () => wrongIn(cache), readyMs), durable.ready?.()])
      if (wrong instanceof CoatcheckError) throw wrong
    },
    async close() {
      await Promise.all([durable.close?.(), cache.close?.()])
    },
  }
  if (cache.getMany !== undefined || durable.getMany !== undefined) store.getMany = (ids) => reads.getMany(ids)
  if (touch !== undefined) store.touch = (id, expiresAt) => writes.touch(id, () => touch.call(durable, id, expiresAt))
  if (idsOf !== undefined) {
    store.idsOf = async (user) => {
      const ids = await idsOf.call(durable, user)
      entries.doubt(ids)
      return ids
    }
  }
  if (scan !== undefined) store.scan = (cursor, limit) => scan.call(durable, cursor, limit)
  if (sweep !== undefined) store.sweep = (now, limit) => sweep.call(durable, now, limit)
  return store
}

/** A cache that is being connected to may take longer than one that is asked for an entry. */
const readyMs = 1_000

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
