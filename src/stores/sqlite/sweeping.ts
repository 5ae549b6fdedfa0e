import type { DatabaseSync } from 'node:sqlite'
import { numberOf } from './schema.ts'
import type { Writes } from './writes.ts'

/** Rows looked at in one transaction: about a millisecond. */
const stepRows = 128
/** Pages given back to the file system in one transaction. */
const stepPages = 128

/** Drops expired rows, and gives the room they took back to the file system, a step at a time with other writes in between. */
export class Sweeping {
  readonly #db: DatabaseSync
  readonly #writes: Writes
  readonly #refile
  readonly #drop

  constructor(db: DatabaseSync, writes: Writes) {
    this.#db = db
    this.#writes = writes
    const dueFirst = 'SELECT key FROM session WHERE due < ? ORDER BY due LIMIT ?'
    this.#refile = db.prepare(`UPDATE session SET due = expires_at WHERE key IN (${dueFirst}) AND expires_at >= ?`)
    this.#drop = db.prepare(`DELETE FROM session WHERE key IN (${dueFirst}) AND expires_at < ?`)
  }

  async sweep(now: number, limit: number): Promise<number> {
    let dropped = 0
    for (let looked = 1; looked > 0 && dropped < limit;) {
      const step = await this.#writes.run(() => this.#step(now, Math.min(stepRows, limit - dropped)), true)
      looked = step.refiled + step.dropped
      dropped += step.dropped
    }
    await this.#shrink(limit)
    return dropped
  }

  #step(now: number, rows: number): { refiled: number; dropped: number } {
    const refiled = Number(this.#refile.run(now, stepRows, now).changes)
    return { refiled, dropped: Number(this.#drop.run(now, rows, now).changes) }
  }

  /** A quarter of the file may be empty: the next sessions take that room, and moving pages about for nothing costs. */
  async #shrink(pagesMax: number): Promise<void> {
    for (let released = 0; released < pagesMax; released += stepPages) {
      if (numberOf(this.#db, 'PRAGMA freelist_count') * 4 <= numberOf(this.#db, 'PRAGMA page_count')) return
      await this.#writes.run(() => this.#db.exec(`PRAGMA incremental_vacuum(${stepPages})`), true)
    }
  }
}
