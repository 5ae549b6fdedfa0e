import { randomInt } from 'node:crypto'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { CoatcheckError } from '../../core/errors.ts'
import { diskIsFull, isBusy, isFull, unavailable } from './failures.ts'
import type { Reserve } from './reserve.ts'

/** Writes in one transaction at most: about 5 ms, during which the process does nothing else. */
const batchMax = 256
/** The longest pause between two attempts to get the write lock. */
const pauseMaxMs = 25

interface Write {
  /** Whether it makes room, or ends a session, and may use the room held for that. */
  readonly frees: boolean
  apply(): unknown
  resolve(answer: unknown): void
  reject(error: unknown): void
}

/**
 * Runs writes in transactions. All writes of one turn of the event loop share one, and with it the one wait for the disk; each is
 * answered when it is committed. When anything fails, nothing of that transaction happened.
 */
export class Writes {
  readonly #db: DatabaseSync
  readonly #begin: StatementSync
  readonly #commit: StatementSync
  readonly #busyMs: number
  /** Throws when what was committed is not where it should be. */
  readonly #confirm: () => void
  readonly #reserve: Reserve | null
  #waiting: Write[] = []
  #draining: Promise<void> | null = null
  #closed = false

  constructor(db: DatabaseSync, busyMs: number, confirm: () => void, reserve: Reserve | null) {
    this.#db = db
    this.#begin = db.prepare('BEGIN IMMEDIATE')
    this.#commit = db.prepare('COMMIT')
    this.#busyMs = busyMs
    this.#confirm = confirm
    this.#reserve = reserve
  }

  /** Answers what `apply` answers, once it is committed. `apply` runs within a transaction, synchronously. */
  run<T>(apply: () => T, frees = false): Promise<T> {
    if (this.#closed) return Promise.reject(new CoatcheckError('store_unavailable', 'sqliteStore is closed'))
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ frees, apply, resolve: resolve as Write['resolve'], reject })
      this.#draining ??= this.#drain()
    })
  }

  /** Takes no more; resolves when all are answered. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#draining
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      await new Promise(setImmediate)
      const batch = this.#waiting.splice(0, batchMax)
      const error = this.#reserve?.isSpent() === true ? diskIsFull() : await this.#settle(batch)
      if (error === null) continue
      const freeing = isFull(error) ? batch.filter(({ frees }) => frees) : []
      for (const { reject } of batch.filter((write) => !freeing.includes(write))) reject(unavailable(error))
      if (freeing.length > 0) await this.#settleWithReserve(freeing)
    }
    this.#draining = null
  }

  /** Runs writes in one transaction and answers them; or answers what went wrong. */
  async #settle(batch: readonly Write[]): Promise<unknown> {
    try {
      await this.#lock()
      const answers = this.#transact(batch)
      batch.forEach(({ resolve }, i) => resolve(answers[i]))
      return null
    } catch (error) {
      return error
    }
  }

  async #settleWithReserve(batch: readonly Write[]): Promise<void> {
    this.#reserve?.spend()
    try {
      // Begins the log anew: from here on it is written over, and takes no more room.
      this.#db.exec('PRAGMA wal_checkpoint(RESTART)')
    } catch {
      // It found no room itself. The log may still grow by what was given up.
    }
    const error = await this.#settle(batch)
    if (error !== null) for (const { reject } of batch) reject(unavailable(error))
  }

  /** Opens a transaction that may write. Other processes have their turns; waiting for them must not stop this one. */
  async #lock(): Promise<void> {
    const giveUpAt = performance.now() + this.#busyMs
    for (let pauseMs = 2; ; pauseMs = Math.min(2 * pauseMs, pauseMaxMs)) {
      try {
        this.#begin.run()
        return
      } catch (error) {
        if (!isBusy(error) || performance.now() > giveUpAt) throw error
      }
      await new Promise((resolve) => setTimeout(resolve, randomInt(1, pauseMs + 1)))
    }
  }

  #transact(batch: readonly Write[]): unknown[] {
    try {
      const answers = batch.map(({ apply }) => apply())
      this.#commit.run()
      this.#confirm()
      return answers
    } catch (error) {
      this.#rollBack()
      throw error
    }
  }

  #rollBack(): void {
    try {
      this.#db.exec('ROLLBACK')
    } catch {
      // SQLite has rolled back by itself, as it does when the disk is full.
    }
  }
}
