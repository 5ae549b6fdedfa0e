import { setTimeout as sleep } from 'node:timers/promises'

const triesMax = 200

/** What opens a store may be told to do so through a proxy that loses replies: it tries again. */
export async function insist<T>(run: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await run()
    } catch (error) {
      if (tries === triesMax) throw error
      await sleep(25)
    }
  }
}
