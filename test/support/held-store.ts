/** A store whose calls stop where a test wants them to. */
import type { SessionStore } from '../../src/index.ts'

type Operation = 'get' | 'put' | 'delete' | 'touch' | 'idsOf'

interface Hold {
  /** Resolves when a call has come as far as this. */
  readonly reached: Promise<void>
  release(): void
}

export interface HeldStore extends SessionStore {
  readonly calls: string[]
  /** Stops the next call of this operation before it does its work, or after, when only its answer is missing. */
  hold(operation: Operation, where: 'before' | 'after'): Hold
  /** Makes the next call of this operation fail: `'refused'` before its work, `'lost'` after. */
  fail(operation: Operation, how: 'refused' | 'lost'): void
}

interface Plan {
  readonly operation: Operation
  readonly before: () => Promise<void>
  readonly after: () => Promise<void>
}

const nothing = (): Promise<void> => Promise.resolve()

export function heldStore(inner: SessionStore): HeldStore {
  const calls: string[] = []
  const plans: Plan[] = []
  const wrapped: Record<string, unknown> = { guarantees: inner.guarantees, calls }
  for (const operation of ['get', 'put', 'delete', 'touch', 'idsOf'] as const) {
    const call = inner[operation] as (...args: unknown[]) => Promise<unknown>
    wrapped[operation] = async (...args: unknown[]) => {
      calls.push(operation)
      const at = plans.findIndex((plan) => plan.operation === operation)
      const [plan] = at === -1 ? [undefined] : plans.splice(at, 1)
      await plan?.before()
      const answer = await call.apply(inner, args)
      await plan?.after()
      return answer
    }
  }
  wrapped['hold'] = (operation: Operation, where: 'before' | 'after'): Hold => {
    const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const stop = (): Promise<void> => {
      reached.resolve()
      return released.promise
    }
    plans.push({ operation, before: nothing, after: nothing, [where]: stop })
    return { reached: reached.promise, release: () => released.resolve() }
  }
  wrapped['fail'] = (operation: Operation, how: 'refused' | 'lost') => {
    const stop = (): Promise<void> => Promise.reject(new Error(`connection ${how}`))
    plans.push({ operation, before: nothing, after: nothing, [how === 'refused' ? 'before' : 'after']: stop })
  }
  return wrapped as unknown as HeldStore
}
