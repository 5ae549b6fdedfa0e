import { randomInt } from 'node:crypto'

const attemptsMax = 5
const giveUpAfterMs = 1_000
const pauseMaxMs = 20

/** Repeats what the server has undone by itself, a few times. `isUndone` must be certain: a statement that may have been done is not repeated. */
export async function retrying<T>(isUndone: (error: unknown) => boolean, run: () => Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + giveUpAfterMs
  for (let attempt = 1; ; attempt++) {
    try {
      return await run()
    } catch (error) {
      if (attempt === attemptsMax || performance.now() > giveUpAt || !isUndone(error)) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, randomInt(1, pauseMaxMs)))
  }
}
