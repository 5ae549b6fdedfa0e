import type { Clock, SessionStore, Timers } from '../../core/types.ts'

const restMs = 60_000
const stepMs = 50
const rowsPerStep = 500

/** Drops expired rows a few at a time, where the store wants to be told, as `createSessions` does. Answers how to stop. */
export function startSweeping(store: SessionStore, clock: Clock, timers: Timers): () => void {
  const { sweep } = store
  if (sweep === undefined) return () => {}
  let timer: unknown
  let stopped = false
  const rest = (delayMs: number): void => {
    if (!stopped) timer = timers.set(step, delayMs)
  }
  const step = (): void => {
    // What fails here fails at the next read or write too, where there is somebody to tell.
    sweep.call(store, clock(), rowsPerStep).then(
      (dropped) => rest(dropped < rowsPerStep ? restMs : stepMs),
      () => rest(restMs),
    )
  }
  rest(restMs)
  return () => {
    stopped = true
    timers.clear(timer)
  }
}
