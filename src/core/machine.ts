/** What the machine lends when nobody passes anything else. */
import { randomBytes } from 'node:crypto'
import type { Timers } from './types.ts'

export const systemRandom = (size: number): Uint8Array => randomBytes(size)

/** Timers that keep no process alive. */
export const systemTimers: Timers = {
  set: (run, delayMs) => setTimeout(run, delayMs).unref(),
  clear: (timer) => clearTimeout(timer as NodeJS.Timeout),
}
