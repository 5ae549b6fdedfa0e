import type { SessionStore } from '../../src/index.ts'
import type { Dice } from './random.ts'

/** A while, mostly short: a turn of the event loop or a few, sometimes milliseconds. */
export async function pauseFor(dice: Dice): Promise<void> {
  if (dice.chance(0.02)) await new Promise((resolve) => setTimeout(resolve, dice.below(4)))
  else for (let turns = dice.below(6); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve))
}

/** A store whose calls and answers are slow, each by its own while, as over a network. */
export function slowed(inner: SessionStore, dice: Dice): SessionStore {
  const wrapped: Record<string, unknown> = { guarantees: inner.guarantees }
  for (const operation of ['get', 'put', 'delete', 'touch', 'idsOf'] as const) {
    const call = inner[operation] as ((...args: unknown[]) => Promise<unknown>) | undefined
    if (call === undefined) continue
    wrapped[operation] = async (...args: unknown[]) => {
      await pauseFor(dice)
      const answer = await call.apply(inner, args)
      await pauseFor(dice)
      return answer
    }
  }
  return wrapped as unknown as SessionStore
}
