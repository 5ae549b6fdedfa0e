/** The line to a cache that may be slow or away: nothing waits for it longer than the deadline, and nothing fails because of it. */
import { CoatcheckError } from '../../core/errors.ts'
import type { Timers } from '../../core/types.ts'

/** The cache did not answer. Whether it did what it was asked is not known. */
export const away: unique symbol = Symbol('the cache is away')
export type Away = typeof away

export interface CacheFailure {
  readonly operation: string
  readonly error: unknown
}

export interface LineOptions {
  readonly deadlineMs: number
  readonly timers: Timers
  readonly failed: (failure: CacheFailure) => void
}

/** After so many failures in a row it is left alone for so long; then one call tries whether it is back. */
const failuresMax = 3
const restMs = 1_000

export class Line {
  readonly #options: LineOptions
  #failures = 0
  #resting = false
  #trying = false

  constructor(options: LineOptions) {
    this.#options = options
  }

  run<T>(operation: string, call: () => Promise<T>, deadlineMs = this.#options.deadlineMs): Promise<T | Away> {
    if (this.#resting || this.#trying) return Promise.resolve(away)
    this.#trying = this.#failures >= failuresMax
    const { timers } = this.#options
    return new Promise((resolve) => {
      let waiting = true
      const end = (answer: T | Away): void => {
        waiting = false
        timers.clear(timer)
        this.#trying = false
        resolve(answer)
      }
      const fail = (error: unknown): void => {
        if (!waiting) return
        end(away)
        this.#fail(operation, error)
      }
      const late = (): CoatcheckError =>
        new CoatcheckError('store_unavailable', `the cache did not answer ${operation} within ${deadlineMs} ms`)
      const timer = timers.set(() => fail(late()), deadlineMs)
      attempt(call).then((answer) => {
        if (!waiting) return
        this.#failures = 0
        end(answer)
      }, fail)
    })
  }

  #fail(operation: string, error: unknown): void {
    const { timers, failed } = this.#options
    if (++this.#failures >= failuresMax && !this.#resting) {
      this.#resting = true
      timers.set(() => (this.#resting = false), restMs)
    }
    try {
      failed({ operation, error })
    } catch {
      process.emitWarning('[coatcheck] tieredStore: onCacheFailure threw')
    }
  }
}

/** A store that throws instead of rejecting fails like any other. */
async function attempt<T>(call: () => Promise<T>): Promise<T> {
  return call()
}
