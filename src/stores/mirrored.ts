/**
 * Two stores, while sessions move from one to the other. Under one id lies in either of them
 *
 *   plain    the session: this store decides. Never in both
 *   copy     something to try the store with, or a claim: decides nothing
 *   moving   the session on its way to the other store; whoever meets it brings it there
 *   moved    the other store decides
 *   ended    the session was here, and is being deleted
 *
 * Why it is right, and what it cannot do: decisions/013-mirrored.md.
 */
import { CoatcheckError } from '../core/errors.ts'
import type { SessionStore } from '../core/types.ts'
import { togetherOf } from './mirrored/both.ts'
import { Copies } from './mirrored/copies.ts'
import { moveAllRows, type MoveProgress } from './mirrored/everything.ts'
import { Moves } from './mirrored/moves.ts'
import { type MirroredStoreOptions, settingsOf } from './mirrored/options.ts'
import { MirroredRows } from './mirrored/rows.ts'

export type { MoveProgress } from './mirrored/everything.ts'
export type { MirroredStoreOptions } from './mirrored/options.ts'

/** What this process has done. */
export interface MirrorCounters {
  /** Sessions this process has moved, with their first write or with `moveAll`. */
  readonly moved: number
  readonly copied: number
  /** Copies that `to` refused, or had no time for. */
  readonly copyFailed: number
  /** Answers from the other store than the phase names. */
  readonly followed: number
  /** What the last `moveAll` could not move; `null` before it has come to its end. At 0, and with all processes in phase `'to'`, `from` can go. */
  readonly left: number | null
}

export interface MirroredStore extends SessionStore {
  /**
   * Moves all sessions that `from` still has, 50 at a time. May run in several processes and again. Rejects with `unsupported` when `from`
   * has no `scan`: then wait until its sessions have expired. Only in phase `'to'` (`config_invalid`).
   */
  moveAll(options?: { readonly progress?: (progress: MoveProgress) => void }): Promise<MoveProgress>
  counters(): MirrorCounters
}

/**
 * Moves live sessions from one store to another without signing anybody out, in rolling deploys: all processes to phase `'from'`, then
 * all to phase `'to'`, then `moveAll`, then `to` alone. To go back, exchange `from` and `to`.
 *
 * Throws `config_invalid` for options that are wrong. Later it fails when a store fails that has a say in the session asked for.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { memoryStore } from 'coatcheck/memory'
 * import { mirroredStore } from 'coatcheck/mirrored'
 * import { sqliteStore } from 'coatcheck/sqlite'
 *
 * const store = mirroredStore({ from: memoryStore(), to: sqliteStore({ file: '.tmp/mirrored.db' }), phase: 'to' })
 * const sessions = createSessions({ secret: crypto.randomUUID(), store })
 * const { left } = await store.moveAll()
 * if (left !== 0) throw new Error('some sessions are still in the old store')
 * await sessions.close()
 * ```
 */
export function mirroredStore(options: MirroredStoreOptions): MirroredStore {
  const { from, to, phase, onCopyFailure, clock, timers } = settingsOf(options)
  const sides = { from: { name: 'from', store: from }, to: { name: 'to', store: to } } as const
  const moves = new Moves(sides.from, sides.to)
  const copies = new Copies(sides.to, timers, onCopyFailure)
  const rows = new MirroredRows(sides, sides[phase], moves, copies)
  let left: number | null = null

  const store: MirroredStore = {
    guarantees: {
      compareAndSwap: true,
      durable: from.guarantees.durable && to.guarantees.durable,
      mayEvict: from.guarantees.mayEvict || to.guarantees.mayEvict,
      userIndex: from.idsOf !== undefined && to.idsOf !== undefined,
    },
    get: (id) => rows.get(id),
    put: (row, expected) => rows.put(row, expected),
    delete: (id) => rows.delete(id),
    async ready() {
      await Promise.all([from.ready?.(), to.ready?.()])
    },
    async close() {
      await copies.settled()
      await Promise.all([from.close?.(), to.close?.()])
    },
    async moveAll({ progress = () => {} } = {}) {
      if (phase === 'from') throw new CoatcheckError('config_invalid', "mirroredStore: moveAll moves in phase 'to' only; write phase: 'to'")
      const moved = await moveAllRows(sides.from, { rows, moves, clock }, progress)
      ;({ left } = moved)
      return moved
    },
    counters: () => ({ moved: rows.moved, copied: copies.copied, copyFailed: copies.failed, followed: rows.followed, left }),
  }
  if (sides[phase].store.getMany !== undefined) store.getMany = (ids) => rows.getMany(ids)
  if (from.touch !== undefined && to.touch !== undefined) store.touch = (id, expiresAt) => rows.touch(id, expiresAt)
  return Object.assign(store, togetherOf(sides.from, sides.to))
}
