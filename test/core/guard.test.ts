import { describe, expect, it } from 'vitest'
import { Guard } from '../../src/core/guard.ts'
import type { SessionStore, StoredRow } from '../../src/core/types.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { faulty, manualTimers } from '../support/faults.ts'

const row: StoredRow = { id: 'a'.repeat(24), body: 'b', user: null, expiresAt: 9e15, version: '' }

function guard(
  store: SessionStore,
  callsMax = 10,
): { guard: Guard; failures: [string, unknown][]; pass(ms: number): void; armed(): number } {
  const failures: [string, unknown][] = []
  const { timers, pass, armed } = manualTimers()
  const remove = (id: string): Promise<void> => store.delete(id)
  return {
    guard: new Guard(store, { deadlineMs: 1_000, callsMax, remove, timers, failed: (...failure) => void failures.push(failure) }),
    failures,
    pass,
    armed,
  }
}

describe('deadlines', () => {
  it('F-04 a call is given up between one and one and a quarter deadlines, whenever it began', async () => {
    for (const laterMs of [0, 100, 249, 250, 600]) {
      const { guard: guarded, pass } = guard(memoryStore())
      const ends: string[] = []
      const hang = (name: string): void => void guarded.run(name, () => new Promise(() => {})).catch(() => ends.push(name))
      hang('first')
      pass(laterMs)
      hang('second')
      pass(999)
      await new Promise((resolve) => setImmediate(resolve))
      expect(ends).not.toContain('second')
      pass(251)
      await new Promise((resolve) => setImmediate(resolve))
      expect(ends).toContain('second')
    }
  })

  it('F-04 no timer runs while nobody waits, and one runs for all who do', async () => {
    const { guard: guarded, pass, armed } = guard(memoryStore())
    expect(armed()).toBe(0)
    await Promise.all(Array.from({ length: 5 }, () => guarded.put({ ...row, id: 'x' }, null)))
    expect(armed()).toBe(1)
    pass(250)
    expect(armed()).toBe(0)
  })

  it('H-08 F-04 who waits when the server shuts down is given up at the deadline too, and no timer is left', async () => {
    const { guard: guarded, pass, armed } = guard(memoryStore())
    const end = guarded.run('one', () => new Promise(() => {})).catch((error: { code: string }) => error.code)
    guarded.close()
    pass(1_250)
    expect(await Promise.race([end, new Promise((resolve) => setImmediate(() => resolve('waits for ever')))])).toBe('store_unavailable')
    expect(armed()).toBe(0)
    await guarded.put({ ...row, id: 'x' }, null)
    expect(armed()).toBe(1)
    guarded.close()
    expect(armed()).toBe(0)
  })

  it('F-08 a late answer or a late failure reaches nobody, and is told once', async () => {
    const { guard: guarded, failures, pass } = guard(memoryStore())
    const late = Promise.withResolvers<string>()
    const failing = Promise.withResolvers<string>()
    const calls = [guarded.run('one', () => late.promise), guarded.run('two', () => failing.promise)]
    const ends = Promise.allSettled(calls)
    pass(1_250)
    late.resolve('late')
    failing.reject(new Error('late'))
    expect((await ends).map((end) => (end as PromiseRejectedResult).reason.code)).toEqual(['store_unavailable', 'store_unavailable'])
    expect(failures.map(([operation]) => operation)).toEqual(['one', 'two'])
  })
})

describe('failures', () => {
  it('F-02 whatever a store throws or rejects with becomes an error with a code, and its cause', async () => {
    const { guard: guarded, failures } = guard(memoryStore())
    const causes = [new Error('refused'), 'text', undefined, null]
    for (const cause of causes) {
      await expect(guarded.run('put', () => Promise.reject(cause))).rejects.toMatchObject({ code: 'store_unavailable', status: 503 })
      const sync = (): never => {
        throw cause
      }
      await expect(guarded.run('put', sync)).rejects.toMatchObject({ code: 'store_unavailable' })
    }
    expect(failures).toHaveLength(2 * causes.length)
    expect((failures[0] as [string, Error])[1].message).toBe('refused')
  })

  it('F-04 a full house is told at once, and there is room again afterwards', async () => {
    const { store, hanging, release } = faulty()
    const { guard: guarded } = guard(store, 2)
    hanging.add('put')
    const waiting = [guarded.put(row, null), guarded.put({ ...row, id: 'c'.repeat(24) }, null)]
    await expect(guarded.delete(row.id)).rejects.toMatchObject({ code: 'store_overloaded', status: 503 })
    release()
    expect((await Promise.all(waiting)).every((version) => version !== null)).toBe(true)
    await guarded.delete(row.id)
  })

  it('F-02 a getMany that answers too few rows is broken; nobody becomes anonymous by it', async () => {
    const inner = memoryStore()
    const { guard: guarded } = guard({
      get: inner.get,
      put: inner.put,
      delete: inner.delete,
      guarantees: inner.guarantees,
      getMany: async () => [],
    })
    await expect((async () => guarded.get(row.id))()).rejects.toMatchObject({ code: 'store_unavailable' })
  })

  it('F-02 a store in the process that throws is told and typed too', async () => {
    const broken = {
      ...memoryStore(),
      getNow: () => {
        throw new Error('corrupt')
      },
    }
    const { guard: guarded, failures } = guard(broken)
    await expect((async () => guarded.get(row.id))()).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(failures).toEqual([['get', expect.objectContaining({ message: 'corrupt' })]])
  })
})
