/** Every call to a store goes through here: a deadline, a bound on how many wait, errors with a code. */
import { CoatcheckError } from './errors.ts'
import { inOneCall, inWaves } from './reads.ts'
import type { Row, SessionStore, StoredRow, Timers } from './types.ts'

export interface GuardOptions {
  readonly deadlineMs: number
  readonly callsMax: number
  /** The store's `delete`, or what has to happen in its place. */
  readonly remove: (id: string) => Promise<void>
  readonly timers: Timers
  readonly failed: (operation: string, error: unknown) => void
}

interface Waiting {
  readonly tick: number
  readonly expire: () => void
}

// One timer for all calls counts ticks, so a call arms no timer of its own; it expires between 4 and 5 ticks after it began.
const deadlineTicks = 4
const rowsAtOnceMax = 100

/** A store that always answers: a result, or a {@link CoatcheckError} `store_unavailable` or `store_overloaded`. */
export class Guard {
  readonly store: SessionStore
  /** The newest row. */
  readonly get: (id: string) => Promise<StoredRow | null> | StoredRow | null
  readonly #options: GuardOptions
  readonly #waiting = new Set<Waiting>()
  #tick = 0
  #timer: unknown = null
  #ready: Promise<void> | null = null
  #looked = false
  #whenUsed: () => void = () => {}

  constructor(store: SessionStore, options: GuardOptions) {
    this.store = store
    this.#options = options
    this.get = this.#reader()
  }

  put(row: Row, expected: string | null): Promise<string | null> {
    return this.run('put', () => this.store.put(row, expected))
  }

  delete(id: string): Promise<void> {
    return this.run('delete', () => this.#options.remove(id))
  }

  /** Whether the store is fit for its work, by its own word. Asked once, and again after a failure. */
  ready(): Promise<void> {
    this.#ready ??= this.#askReady()
    return this.#ready
  }

  /** Calls the store within the deadline. The first call has it looked at too, by the way: what is wrong is an event. */
  run<T>(operation: string, call: () => Promise<T>): Promise<T> {
    if (!this.#looked) this.#look()
    const { deadlineMs, callsMax, failed } = this.#options
    if (this.#waiting.size >= callsMax) {
      return Promise.reject(
        new CoatcheckError('store_overloaded', `${callsMax} store calls are waiting; the store is too slow, or raise storeCallsMax`),
      )
    }
    return new Promise<T>((resolve, reject) => {
      const fail = (error: unknown): void => {
        if (!this.#waiting.delete(waiting)) return
        failed(operation, error)
        reject(storeError(operation, error))
      }
      const waiting: Waiting = {
        tick: this.#tick,
        expire: () => fail(new CoatcheckError('store_unavailable', `the store did not answer ${operation} within ${deadlineMs} ms`)),
      }
      this.#waiting.add(waiting)
      if (this.#timer === null) this.#arm()
      let answer: Promise<T>
      try {
        answer = call()
      } catch (error) {
        return fail(error)
      }
      answer.then((value) => {
        this.#waiting.delete(waiting)
        resolve(value)
      }, fail)
    })
  }

  /** Does something for many rows, some at a time: all at once could be more than may wait, and would take the place of every request. */
  async each<Item, Answer>(items: readonly Item[], work: (item: Item) => Answer): Promise<Awaited<Answer>[]> {
    const atOnceMax = Math.min(rowsAtOnceMax, Math.ceil(this.#options.callsMax / 4))
    const answers: Awaited<Answer>[] = []
    for (let at = 0; at < items.length; at += atOnceMax) {
      answers.push(...(await Promise.all(items.slice(at, at + atOnceMax).map((item) => work(item)))))
    }
    return answers
  }

  /** Whoever still waits keeps the timer, and with it the deadline. */
  close(): void {
    if (this.#timer === null || this.#waiting.size > 0) return
    this.#options.timers.clear(this.#timer)
    this.#timer = null
  }

  /** Has something done at the first call. Not before: some platforms allow no timer until there is a request. */
  onceUsed(run: () => void): void {
    this.#whenUsed = run
  }

  #look(): void {
    if (this.store.ready !== undefined) this.ready().catch(() => null)
    this.#used()
  }

  #used(): void {
    if (this.#looked) return
    this.#looked = true
    this.#whenUsed()
  }

  async #askReady(): Promise<void> {
    const { store } = this
    const { ready } = store
    if (ready === undefined) return
    this.#used()
    try {
      await this.run('ready', () => ready.call(store))
    } catch (error) {
      this.#ready = null
      throw error
    }
  }

  #reader(): Guard['get'] {
    const { store } = this
    const { getNow, getMany } = store
    if (getNow !== undefined) return (id) => this.#now(() => getNow.call(store, id))
    if (getMany === undefined) return inWaves((id) => this.run('get', () => store.get(id)))
    const readMany = async (ids: readonly string[]): Promise<(StoredRow | null)[]> => {
      const rows = await getMany.call(store, ids)
      if (rows.length === ids.length) return rows
      throw new Error(`getMany answered ${rows.length} rows for ${ids.length} ids`)
    }
    return inOneCall((ids) => this.run('getMany', () => readMany(ids)))
  }

  #now<T>(call: () => T): T {
    try {
      return call()
    } catch (error) {
      this.#options.failed('get', error)
      throw storeError('get', error)
    }
  }

  #arm(): void {
    const { timers, deadlineMs } = this.#options
    this.#timer = timers.set(() => {
      this.#timer = null
      this.#tick++
      for (const waiting of this.#waiting) {
        if (this.#tick - waiting.tick <= deadlineTicks) break
        waiting.expire()
      }
      if (this.#waiting.size > 0) this.#arm()
    }, deadlineMs / deadlineTicks)
  }
}

function storeError(operation: string, error: unknown): CoatcheckError {
  return error instanceof CoatcheckError ? error : new CoatcheckError('store_unavailable', `the store failed at ${operation}`, error)
}
