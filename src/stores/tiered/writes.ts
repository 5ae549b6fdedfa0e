/** Writes through the cache: a tombstone, the durable store, and then what it came to. */
import type { Clock, Row, SessionStore } from '../../core/types.ts'
import type { Cache } from './cache.ts'
import type { Entry } from './entry.ts'
import { away } from './line.ts'

const hole: Entry = { kind: 'hole' }

export class Writes {
  readonly #cache: Cache
  readonly #durable: SessionStore
  readonly #clock: Clock

  constructor(cache: Cache, durable: SessionStore, clock: Clock) {
    this.#cache = cache
    this.#durable = durable
    this.#clock = clock
  }

  put(row: Row, expected: string | null): Promise<string | null> {
    const { id, body, user, expiresAt } = row
    return this.#write(
      id,
      () => this.#durable.put(row, expected),
      (version, at) => (version === null ? hole : { kind: 'value', at, row: { id, body, user, expiresAt, version } }),
    )
  }

  delete(id: string): Promise<void> {
    return this.#write(
      id,
      () => this.#durable.delete(id),
      (_, at) => ({ kind: 'none', at }),
    )
  }

  /** Leaves a hole: which row the durable store gave more time to is for it to say. */
  touch(id: string, touch: () => Promise<boolean>): Promise<boolean> {
    return this.#write(id, touch, () => hole)
  }

  async #write<T>(id: string, write: () => Promise<T>, left: (answer: T, at: number) => Entry): Promise<T> {
    const tomb = await this.#cache.bury(id)
    const at = this.#clock()
    try {
      const answer = await write()
      await this.#cache.settle(id, tomb, left(answer, at))
      return answer
    } catch (error) {
      // It may have been done all the same, or be done yet. So the tombstone stays as long as it lives.
      if (tomb === away) this.#cache.distrust()
      throw error
    }
  }
}
