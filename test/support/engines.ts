/** Two engines on one store, as two processes would be, under one clock that a test moves. */
import { createSessions, type SessionEvent, type Sessions, type SessionsOptions } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { secret } from './backends.ts'
import { heldStore, type HeldStore } from './held-store.ts'

type Any = Record<string, unknown>

export interface Engines {
  readonly store: HeldStore
  readonly one: Sessions<Any>
  readonly two: Sessions<Any>
  readonly events: SessionEvent[]
  advance(ms: number): void
  /** A third engine, set up in another way. */
  again(options: Partial<SessionsOptions<Any>>): Sessions<Any>
}

export function engines(options: Partial<SessionsOptions<Any>> = {}): Engines {
  let nowMs = 1_800_000_000_000
  const clock = (): number => nowMs
  const store = heldStore(memoryStore({ clock }))
  const events: SessionEvent[] = []
  const again = (more: Partial<SessionsOptions<Any>>): Sessions<Any> =>
    createSessions<Any>({ secret, store, clock, onEvent: (event) => events.push(event), ...options, ...more })
  const [one, two] = [again({}), again({})]
  return {
    store,
    one,
    two,
    events,
    advance: (ms) => void (nowMs += ms),
    again,
  }
}
