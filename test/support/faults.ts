/** Stores that fail or hang when told to, and timers that run when told to. */
import type { SessionStore, Timers } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { counted } from './backends.ts'

export type Operation = 'get' | 'put' | 'delete' | 'touch' | 'idsOf'

/** A store whose operations fail or hang while they are named. */
export function faulty(inner: SessionStore = memoryStore()): {
  store: SessionStore & { calls: string[] }
  broken: Set<Operation>
  hanging: Set<Operation>
  release(): void
} {
  const store = counted(inner)
  const [broken, hanging] = [new Set<Operation>(), new Set<Operation>()]
  let waiting: (() => void)[] = []
  for (const name of ['get', 'put', 'delete', 'touch', 'idsOf'] as const) {
    const call = store[name] as (...args: unknown[]) => Promise<unknown>
    const answer = async (...args: unknown[]): Promise<unknown> => {
      if (broken.has(name)) throw new Error(`${name}: connection refused`)
      if (hanging.has(name)) await new Promise<void>((resolve) => waiting.push(resolve))
      return call(...args)
    }
    Object.assign(store, { [name]: answer })
  }
  const release = (): void => {
    const late = waiting
    waiting = []
    hanging.clear()
    for (const resume of late) resume()
  }
  return { store, broken, hanging, release }
}

/** Timers that run when a test says so. */
export function manualTimers(): { timers: Timers; pass(ms: number): void; armed(): number } {
  let nowMs = 0
  const due = new Map<object, { at: number; run: () => void }>()
  const timers = {
    set(run: () => void, delayMs: number): unknown {
      const timer = {}
      due.set(timer, { at: nowMs + delayMs, run })
      return timer
    },
    clear: (timer: unknown): void => void due.delete(timer as object),
  }
  const pass = (ms: number): void => {
    const end = nowMs + ms
    for (;;) {
      const [next] = [...due].filter(([, { at }]) => at <= end).toSorted(([, a], [, b]) => a.at - b.at)
      if (next === undefined) break
      due.delete(next[0])
      nowMs = next[1].at
      next[1].run()
    }
    nowMs = end
  }
  return { timers, pass, armed: () => due.size }
}
