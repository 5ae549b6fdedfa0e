import type { Timers } from '../../core/types.ts'

/** Timers that keep no process alive. A store knows nothing of core but its types and errors, so these are its own. */
export const systemTimers: Timers = {
  // Cloudflare's timers are numbers, or have no `unref`.
  set: (run, delayMs) => {
    const timer = setTimeout(run, delayMs)
    timer.unref?.()
    return timer
  },
  clear: (timer) => clearTimeout(timer as NodeJS.Timeout),
}
