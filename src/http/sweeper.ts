/** Drops expired rows a few at a time, for stores without a TTL of their own. */
import type { Guard } from '../core/guard.ts'
import type { House } from './room.ts'

const restMs = 60_000
const stepMs = 50
const rowsPerStep = 500

/** Sweeps a store that wants it, from its first use by any of its guards on; answers how to stop. */
export function startSweeping(guards: readonly [Guard, ...Guard[]], { clock, timers }: House): () => void {
  const [guard] = guards
  const { store } = guard
  const { sweep } = store
  if (sweep === undefined) return () => {}
  let timer: unknown
  const step = (): void => {
    guard
      .run('sweep', () => sweep.call(store, clock(), rowsPerStep))
      .then(
        (dropped) => rest(dropped < rowsPerStep ? restMs : stepMs),
        () => rest(restMs),
      )
  }
  let stopped = false
  const rest = (delayMs: number): void => {
    if (!stopped) timer = timers.set(step, delayMs)
  }
  const begin = (): void => {
    if (timer === undefined) rest(restMs)
  }
  for (const one of guards) one.onceUsed(begin)
  return () => {
    stopped = true
    timers.clear(timer)
  }
}
