import type { Timers } from '../../core/types.ts'

/** Timers that keep no process alive. */
export const systemTimers: Timers = {
  set: (run, delayMs) => setTimeout(run, delayMs).unref(),
  clear: (timer) => clearTimeout(timer as NodeJS.Timeout),
}
