import type { SessionStore } from '../core/types.ts'

const operations = ['get', 'put', 'delete', 'touch', 'getMany', 'idsOf', 'scan', 'sweep', 'ready', 'close'] as const

export type StoreOperation = (typeof operations)[number]

/**
 * What goes wrong: the call is refused (`fail`), never answered (`hang`), answered late, or done and then answered with an error,
 * as when the connection breaks in between (`lose-reply`).
 */
export type StoreFault = 'fail' | 'hang' | 'lose-reply' | { readonly delayMs: number }

/** A store that breaks on command. */
export interface FailingStore {
  /** The store to hand to whatever is under test. It has the methods of the one within, but for `getNow`, which cannot wait. */
  readonly store: SessionStore
  /** From now on, or for the next `times` calls, `operation` goes wrong. */
  fault(operation: StoreOperation, fault: StoreFault, times?: number): void
  /** Ends the faults of one operation, or of all. Calls that hang go on hanging. */
  heal(operation?: StoreOperation): void
  /** How often `operation` was called. */
  calls(operation: StoreOperation): number
}

type Call = (...args: unknown[]) => Promise<unknown>

/**
 * Wraps a store, for tests of what an application does while its store is away.
 *
 * @example
 * ```ts
 * import { memoryStore } from 'coatcheck/memory'
 * import { failingStore } from 'coatcheck/testing'
 * const flaky = failingStore(memoryStore())
 * flaky.fault('get', 'fail', 1)
 * const answers = await Promise.allSettled([flaky.store.get('a'), flaky.store.get('a')])
 * if (answers.map(({ status }) => status).join() !== 'rejected,fulfilled') throw new Error('unexpected')
 * ```
 */
export function failingStore(inner: SessionStore): FailingStore {
  const faults = new Map<StoreOperation, { fault: StoreFault; left: number }>()
  const counts = new Map<StoreOperation, number>()

  function take(operation: StoreOperation): StoreFault | null {
    counts.set(operation, (counts.get(operation) ?? 0) + 1)
    const current = faults.get(operation)
    if (current === undefined) return null
    if (--current.left === 0) faults.delete(operation)
    return current.fault
  }

  const wrap =
    (operation: StoreOperation, call: Call): Call =>
    (...args) => {
      const fault = take(operation)
      if (fault === null) return call(...args)
      return broken(fault, () => call(...args), new Error(`failingStore: ${operation} was told to ${String(fault)}`))
    }

  const store: Record<string, unknown> = { guarantees: inner.guarantees }
  for (const operation of operations) {
    const call = inner[operation] as Call | undefined
    if (call !== undefined) store[operation] = wrap(operation, call.bind(inner))
  }
  return {
    store: store as unknown as SessionStore,
    fault: (operation, fault, times = Number.POSITIVE_INFINITY) => void faults.set(operation, { fault, left: times }),
    heal: (operation) => (operation === undefined ? faults.clear() : void faults.delete(operation)),
    calls: (operation) => counts.get(operation) ?? 0,
  }
}

async function broken(fault: StoreFault, call: () => Promise<unknown>, error: Error): Promise<unknown> {
  switch (fault) {
    case 'fail':
      throw error
    case 'hang':
      return new Promise(() => {})
    case 'lose-reply':
      await call()
      throw error
    default:
      await new Promise((resolve) => setTimeout(resolve, fault.delayMs))
      return call()
  }
}
