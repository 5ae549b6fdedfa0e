import { describe, expect, test } from 'vitest'
import { memoryStore } from '../../src/stores/memory.ts'
import { failingStore } from '../../src/testing/failing-store.ts'
import { fakeClock } from '../../src/testing/fake-clock.ts'
import { collect } from '../../src/testing/runner.ts'
import { storeContract, type StoreUnderTest } from '../../src/testing/store-contract.ts'
import { HonestStore } from './honest-store.ts'

describe('fakeClock', () => {
  test('runs timers when their time comes, in the order of their times, then of their setting', () => {
    const time = fakeClock(1_000)
    const log: string[] = []
    const note = (name: string) => () => log.push(`${name} ${time.clock()}`)
    time.timers.set(note('late'), 20)
    time.timers.set(note('early'), 10)
    time.timers.set(note('early too'), 10)
    time.advance(9)
    expect(log).toEqual([])
    time.advance(100)
    expect(log).toEqual(['early 1010', 'early too 1010', 'late 1020'])
    expect([time.clock(), time.pending]).toEqual([1_109, 0])
  })

  test('runs what a timer sets, if its time comes too', () => {
    const time = fakeClock(0)
    const log: number[] = []
    const again = (): void => {
      log.push(time.clock())
      time.timers.set(again, 10)
    }
    again()
    time.advance(35)
    expect(log).toEqual([0, 10, 20, 30])
    expect(time.pending).toBe(1)
  })

  test('a cleared timer does not run', () => {
    const time = fakeClock()
    const timer = time.timers.set(() => expect.unreachable(), 10)
    time.timers.clear(timer)
    time.advance(10)
  })

  test('L-07 a jump moves the clock, not the timers', () => {
    const time = fakeClock(1_000)
    const log: number[] = []
    time.timers.set(() => log.push(time.clock()), 10)
    time.jump(-500)
    expect(time.clock()).toBe(500)
    time.jump(10_000)
    expect(log).toEqual([])
    time.advance(10)
    expect(log).toEqual([10_510])
  })
})

describe('failingStore', () => {
  const row = { id: 'a', body: '{}', user: null, expiresAt: 1e15 }

  test('passes everything on while nothing is wrong', async () => {
    const { store, calls } = failingStore(memoryStore())
    const version = await store.put(row, null)
    expect(await store.get('a')).toEqual({ ...row, version })
    expect([calls('put'), calls('get'), calls('delete')]).toEqual([1, 1, 0])
    expect(store.guarantees).toEqual(memoryStore().guarantees)
    expect(Object.keys(store)).toEqual(expect.arrayContaining(['touch', 'idsOf', 'scan', 'sweep']))
    expect(store.getMany).toBeUndefined()
    expect(store.getNow).toBeUndefined()
  })

  test('fail: the call does not reach the store, until healed', async () => {
    const inner = memoryStore()
    const { store, fault, heal } = failingStore(inner)
    fault('put', 'fail')
    await expect(store.put(row, null)).rejects.toThrow('put was told to fail')
    await expect(store.put(row, null)).rejects.toThrow()
    expect(await store.get('a')).toBeNull()
    heal('put')
    expect(await store.put(row, null)).not.toBeNull()
  })

  test('times: then it is well again', async () => {
    const { store, fault, calls } = failingStore(memoryStore())
    fault('get', 'fail', 2)
    const answers = await Promise.allSettled([store.get('a'), store.get('a'), store.get('a')])
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled'])
    expect(calls('get')).toBe(3)
  })

  test('lose-reply: it is done, and answered with an error', async () => {
    const inner = memoryStore()
    const { store, fault } = failingStore(inner)
    fault('put', 'lose-reply', 1)
    await expect(store.put(row, null)).rejects.toThrow('lose-reply')
    expect(await inner.get('a')).toMatchObject(row)
  })

  test('hang: no answer, and nothing done, even when others heal', async () => {
    const inner = memoryStore()
    const { store, fault, heal } = failingStore(inner)
    fault('put', 'hang')
    const hanging = store.put(row, null).then(() => 'answered')
    heal()
    expect(await Promise.race([hanging, new Promise((resolve) => setTimeout(resolve, 50, 'nothing'))])).toBe('nothing')
    expect(await inner.get('a')).toBeNull()
  })

  test('delayMs: it is done, later', async () => {
    const inner = memoryStore()
    const { store, fault } = failingStore(inner)
    fault('put', { delayMs: 30 })
    const put = store.put(row, null)
    expect(await inner.get('a')).toBeNull()
    expect(await put).not.toBeNull()
    expect(await inner.get('a')).toMatchObject(row)
  })
})

/** Which cases passed. */
async function judge(given: Partial<StoreUnderTest>): Promise<Record<string, boolean>> {
  const store = new HonestStore()
  const under = { name: 'store', open: async () => ({ store, second: store, reopen: async () => store }), ...given }
  const reports = await collect((runner) => storeContract(under, runner))
  return Object.fromEntries(reports.map(({ name, error }) => [name, error === null]))
}

describe('storeContract', () => {
  test('lacks must name a rule, and give a reason', async () => {
    await expect(judge({ lacks: [{ rule: 'pigs fly', reason: 'no wings' }] })).rejects.toThrow('pigs fly')
    await expect(judge({ lacks: [{ rule: 'scan', reason: ' ' }] })).rejects.toThrow('without a reason')
  })

  test('a lack that is none fails: a method that is there, a rule that holds', async () => {
    const rule = 'a row that is to live for 400 days is there'
    const reports = await judge({
      lacks: [
        { rule: 'scan', reason: 'none' },
        { rule, reason: 'none' },
      ],
    })
    expect([reports['lacks scan: none'], reports[`lacks ${rule}: none`]]).toEqual([false, false])
    expect(Object.keys(reports).filter((name) => name.includes('scan') || name === rule)).toEqual(['lacks scan: none'])
  })

  test('a lack that is one passes, and what needs it is left out', async () => {
    const store = new HonestStore()
    store.scan = undefined as never
    store.column = (row) => ({ ...row, body: row.body.replaceAll('\0', '') })
    const rule = 'a body comes back as it was: zero characters'
    const reports = await judge({
      open: async () => ({ store, second: store, reopen: async () => store }),
      lacks: [
        { rule: 'scan', reason: 'none' },
        { rule, reason: 'none' },
      ],
    })
    expect(Object.keys(reports).filter((name) => reports[name] === false)).toEqual([])
  })

  test('a missing method that is not among the lacks fails, and says what to do', async () => {
    const store = new HonestStore()
    store.touch = undefined as never
    const reports = await collect((runner) => storeContract({ name: 'store', open: async () => ({ store }) }, runner))
    const messages = reports.flatMap(({ error }) => (error instanceof Error ? [error.message] : []))
    expect(messages).toContain("the store has no `touch`; add it, or say why not: lacks: [{ rule: 'touch', reason: '…' }]")
    expect(messages).toContain("`open` gives no `second`; add it, or say why not: lacks: [{ rule: 'second', reason: '…' }]")
  })

  test('a store that lacks only the race must not promise compare-and-swap', async () => {
    const race = { rule: 'R-01 of 50 puts on one version exactly one wins', reason: 'reads, compares, writes' }
    const promises = async (compareAndSwap: boolean, lacks: StoreUnderTest['lacks'] = []): Promise<boolean | undefined> => {
      const store = Object.assign(new HonestStore(), {
        guarantees: { compareAndSwap, durable: false, mayEvict: false, userIndex: true },
      })
      const reports = await judge({ open: async () => ({ store, second: store, reopen: async () => store }), lacks })
      return reports['guarantees compare-and-swap exactly if it holds']
    }
    const all = [promises(true, [race]), promises(false, [race]), promises(false), promises(true)]
    expect(await Promise.all(all)).toEqual([false, true, false, true])
  })

  test('closes what it opened, once', async () => {
    let closed = 0
    const store = Object.assign(new HonestStore(), { close: async () => void closed++ })
    await judge({ open: async () => ({ store, second: store, reopen: async () => store }) })
    expect(closed).toBe(1)
  })
})
