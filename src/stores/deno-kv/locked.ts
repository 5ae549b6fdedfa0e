import { randomInt } from 'node:crypto'

/** How long a call waits while other processes write to the same file. */
const busyMs = 1_500
const pauseMaxMs = 25

/**
 * Runs a call again while another process is writing to the same file: Deno KV gives up on SQLite's lock at once, before it has changed
 * anything (https://github.com/denoland/denokv, sqlite/backend.rs).
 */
export async function whileLocked<T>(call: () => Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + busyMs
  for (let pauseMs = 2; ; pauseMs = Math.min(2 * pauseMs, pauseMaxMs)) {
    try {
      return await call()
    } catch (error) {
      if (!isLocked(error) || performance.now() > giveUpAt) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, randomInt(1, pauseMs + 1)))
  }
}

function isLocked(error: unknown): boolean {
  return error instanceof Error && error.message.includes('database is locked')
}
