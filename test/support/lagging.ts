/** A store some of whose calls take much longer than others, in a world of a scheduler. */
import type { SessionStore } from '../../src/index.ts'
import type { Dice } from './random.ts'
import type { Scheduler } from './scheduler.ts'

export interface Lag {
  /** How likely a call is slow, before it arrives or before its answer does. */
  readonly lag: number
  /** How much time may pass in each of the turns it waits. */
  readonly turnMs: number
}

const turnsMax = 25

export function lagging(inner: SessionStore, scheduler: Scheduler, dice: Dice, { lag, turnMs }: Lag): SessionStore {
  const wait = async (): Promise<void> => {
    for (let turns = dice.chance(lag) ? dice.below(turnsMax) : 0; turns > 0; turns--) {
      await scheduler.turn()
      if (turnMs > 0) scheduler.pass(dice.below(turnMs))
    }
  }
  const wrapped: Record<string, unknown> = { ...inner }
  for (const operation of ['get', 'getMany', 'put', 'delete', 'touch'] as const) {
    const call = inner[operation] as ((...args: unknown[]) => Promise<unknown>) | undefined
    if (call === undefined) continue
    wrapped[operation] = async (...args: unknown[]) => {
      await wait()
      const answer = await call(...args)
      await wait()
      return answer
    }
  }
  return wrapped as unknown as SessionStore
}
