/** What the machine lends when nobody passes anything else. */
import { randomBytes } from 'node:crypto'
import type { Timers } from './types.ts'

export const systemRandom = (size: number): Uint8Array => randomBytes(size)

/** Timers that keep no process alive. */
export const systemTimers: Timers = {
  // Cloudflare's timers are numbers, or have no `unref`.
  set: (run, delayMs) => {
    const timer = setTimeout(run, delayMs)
    timer.unref?.()
    return timer
  },
  clear: (timer) => clearTimeout(timer as NodeJS.Timeout),
}
