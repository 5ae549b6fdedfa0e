import type { Clock, Timers } from '../core/types.ts'

/** Time that stands still until a test moves it. */
export interface FakeClock {
  /** For the option `clock`. */
  readonly clock: Clock
  /** For the option `timers`. */
  readonly timers: Timers
  /** Lets time pass, in milliseconds, and runs each timer when its time comes, those set meanwhile included. */
  advance(ms: number): void
  /** Sets the clock forward or back (`ms` below zero), as an administrator or NTP would. Timers do not notice. */
  jump(ms: number): void
  /** Timers that wait. */
  readonly pending: number
}

interface Timer {
  readonly run: () => void
  readonly dueMs: number
}

/**
 * A clock and timers for tests of anything that takes `clock` and `timers`. Starts at `startMs`, by default in January 2027.
 *
 * @example
 * ```ts
 * import { fakeClock } from 'coatcheck/testing'
 * const time = fakeClock()
 * let rang = false
 * time.timers.set(() => (rang = true), 1_000)
 * time.advance(999)
 * if (rang) throw new Error('too early')
 * time.advance(1)
 * if (!rang) throw new Error('too late')
 * ```
 */
export function fakeClock(startMs = 1_800_000_000_000): FakeClock {
  let wallMs = startMs
  let elapsedMs = 0
  // In the order they were set, which decides between timers due at the same time.
  const waiting = new Set<Timer>()

  function moveTo(ms: number): void {
    wallMs += ms - elapsedMs
    elapsedMs = ms
  }

  function next(untilMs: number): Timer | null {
    let first: Timer | null = null
    for (const timer of waiting) if (timer.dueMs <= untilMs && (first === null || timer.dueMs < first.dueMs)) first = timer
    return first
  }

  return {
    clock: () => wallMs,
    timers: {
      set(run, delayMs) {
        const timer = { run, dueMs: elapsedMs + Math.max(0, delayMs) }
        waiting.add(timer)
        return timer
      },
      clear: (timer) => void waiting.delete(timer as Timer),
    },
    advance(ms) {
      const untilMs = elapsedMs + ms
      for (let timer = next(untilMs); timer !== null; timer = next(untilMs)) {
        waiting.delete(timer)
        moveTo(timer.dueMs)
        timer.run()
      }
      moveTo(untilMs)
    },
    jump(ms) {
      wallMs += ms
    },
    get pending() {
      return waiting.size
    },
  }
}
