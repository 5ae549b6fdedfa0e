/** Copies of every write, for the store that does not decide yet: they show that it can keep what it will be given. */
import type { Row, Timers } from '../../core/types.ts'
import { copyOf, look, type Side } from './place.ts'

/** More than so many at once are left out: a store that is slow or away must not fill the memory. */
const waitingMax = 1_000
const attemptsMax = 4
/** How long the last copies are waited for. */
const lastMs = 2_000

export class Copies {
  copied = 0
  failed = 0
  readonly #side: Side
  readonly #timers: Timers
  readonly #onFailure: (error: unknown) => void
  readonly #waiting = new Set<Promise<void>>()

  constructor(side: Side, timers: Timers, onFailure: (error: unknown) => void) {
    this.#side = side
    this.#timers = timers
    this.#onFailure = onFailure
  }

  /** Copies a row, and nobody waits for it. */
  add(row: Row): void {
    this.#start(() => this.#write(copyOf(row)))
  }

  /** Empties the copy of a session that has ended. */
  clear(row: Row): void {
    this.#start(() => this.#write(copyOf({ ...row, body: '' }), true).then(() => false))
  }

  async settled(): Promise<void> {
    const late = Promise.withResolvers<void>()
    const timer = this.#timers.set(late.resolve, lastMs)
    await Promise.race([Promise.all(this.#waiting), late.promise])
    this.#timers.clear(timer)
  }

  #start(write: () => Promise<boolean>): void {
    if (this.#waiting.size >= waitingMax) return void this.failed++
    const waiting = write().then(
      (written) => void (this.copied += written ? 1 : 0),
      (error: unknown) => this.#fail(error),
    )
    this.#waiting.add(waiting)
    void waiting.then(() => this.#waiting.delete(waiting))
  }

  /** A copy takes the place of nothing or of another copy. An older one in the place of a newer harms nobody: neither is ever an answer. */
  async #write(copy: Row, onlyOver = false): Promise<boolean> {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const place = await look(this.#side, copy.id)
      if (place === null ? onlyOver : place.kind !== 'copy') return false
      if ((await this.#side.store.put(copy, place?.version ?? null)) !== null) return true
    }
    return false
  }

  #fail(error: unknown): void {
    this.failed++
    try {
      this.#onFailure(error)
    } catch {
      process.emitWarning('[coatcheck] mirroredStore: onCopyFailure threw')
    }
  }
}
