/** Sessions on tieredStores: what an application sees of a cache that is empty, behind, away or its own. */
import { describe, expect, it } from 'vitest'
import { createSessions, type Sessions, type SessionStore, type StoredRow } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { tieredStore, type TieredStoreOptions } from '../../src/stores/tiered.ts'
import { failingStore, fakeClock } from '../../src/testing/index.ts'
import { secret } from '../support/backends.ts'
import { Visitor } from '../support/visitor.ts'

type Any = Record<string, unknown>

function setup() {
  const time = fakeClock()
  const { clock, timers } = time
  const entries = memoryStore({ clock })
  const durable = failingStore(memoryStore({ clock }))
  /** One process. */
  const open = (cache: SessionStore = entries, options: Partial<TieredStoreOptions> = {}): Sessions<Any> => {
    const store = tieredStore({ cache, durable: durable.store, unsafeNotDurable: true, clock, timers, ...options })
    return createSessions<Any>({ secret, store, clock, timers, lifetime: { idle: '1h' } })
  }
  return { time, entries, durable, open }
}

async function flush(cache: SessionStore): Promise<void> {
  const page = await cache.scan?.(null, 1_000)
  for (const id of page?.ids ?? []) await cache.delete(id)
}

const isIn = async (visitor: Visitor): Promise<boolean> => (await visitor.visit((session) => session.user !== null)).result

/** The same cookie, at another process. */
const at = (sessions: Sessions<Any>, { jar }: Visitor): Visitor => new Visitor(sessions, jar)

describe('sessions on a tieredStore', () => {
  it('S1.10 S2.3 S4.9 the cache is flushed between any two requests: the durable copy answers, and nothing is lost', async () => {
    const { entries, open } = setup()
    const processes = [open(), open()]
    const visitor = new Visitor(processes[0] as Sessions<Any>)
    await visitor.visit((session) => session.set('n', 0).set('cart', ['hat']))
    for (let n = 1; n <= 20; n++) {
      if (n % 3 > 0) await flush(entries)
      const one = at(processes[n % 2] as Sessions<Any>, visitor)
      await one.visit((session) => session.update('n', (before) => Number(before) + 1))
      if (n % 4 === 0) await flush(entries)
      expect((await visitor.visit((session) => [session.isNew, session.get('n'), session.get('cart')])).result).toEqual([false, n, ['hat']])
    }
  })

  it('L-10 to sign a user out everywhere reaches a session that this process remembers as nobody’s', async () => {
    const { time, open } = setup()
    const [here, there] = [open(memoryStore()), open(memoryStore())]
    const visitor = new Visitor(here)
    await visitor.visit((session) => session.set('n', 1))
    await at(there, visitor).visit((session) => session.get('n'))
    await visitor.visit((session) => session.signIn('ada'))
    expect(await there.revokeUser('ada')).toBe(1)
    time.advance(1_000)
    expect(await isIn(visitor)).toBe(false)
  })

  it('L-03 R-06 on a shared cache a logout and a write are seen by every process at once', async () => {
    const { open } = setup()
    const [here, there] = [open(), open()]
    const visitor = new Visitor(here)
    await visitor.visit((session) => {
      session.signIn('ada')
      session.set('role', 'user')
    })
    const [copy, other] = [at(there, visitor), at(there, visitor)]
    expect(await isIn(copy)).toBe(true)
    await visitor.visit((session) => session.set('role', 'admin'))
    expect((await other.visit((session) => session.get('role'))).result).toBe('admin')
    await visitor.visit((session) => session.destroy())
    expect([await isIn(copy), await isIn(other)]).toEqual([false, false])
  })

  it('L-03 F-13 with a cache of its own each, a process may believe in a session for staleMs after another ended it, and no longer', async () => {
    for (const staleMs of [undefined, 5_000]) {
      const { time, open } = setup()
      const own = (): Sessions<Any> => open(memoryStore({ clock: time.clock }), staleMs === undefined ? {} : { staleMs })
      const [here, there] = [own(), own()]
      const visitor = new Visitor(here)
      await visitor.visit((session) => session.signIn('ada'))
      const copy = at(there, visitor)
      expect(await isIn(copy)).toBe(true)
      await visitor.clone().visit((session) => session.destroy())
      expect(await isIn(visitor)).toBe(false)
      time.advance((staleMs ?? 1_000) - 1)
      expect(await isIn(copy)).toBe(true)
      time.advance(1)
      expect(await isIn(copy)).toBe(false)
      // Whatever it believes, it writes nothing to a session that has ended.
      const late = await at(there, copy).begin()
      expect(late.session.isNew).toBe(true)
    }
  })

  it('R-02 F-13 a process that still believes in a session cannot write to it any more', async () => {
    const { time, open } = setup()
    const own = (): Sessions<Any> => open(memoryStore({ clock: time.clock }))
    const [here, there] = [own(), own()]
    const visitor = new Visitor(here)
    await visitor.visit((session) => session.signIn('ada'))
    const copy = at(there, visitor)
    await isIn(copy)
    await visitor.clone().visit((session) => session.destroy())
    const { outgoing } = await copy.visit((session) => session.set('late', 1))
    expect(outgoing).toMatchObject({ outcome: 'gone', setCookies: [] })
    expect(await isIn(copy)).toBe(false)
  })

  it('F-13 L-03 a logout while the cache is away: the process itself knows at once, the others within staleMs', async () => {
    const { time, entries, open } = setup()
    const flaky = failingStore(entries)
    const [here, there] = [open(flaky.store), open()]
    const visitor = new Visitor(here)
    await visitor.visit((session) => session.signIn('ada'))
    const copy = at(there, visitor)
    await isIn(copy)
    for (const operation of ['get', 'put', 'delete'] as const) flaky.fault(operation, 'fail')
    await visitor.clone().visit((session) => session.destroy())
    flaky.heal()
    time.advance(999)
    expect([await isIn(visitor), await isIn(copy)]).toEqual([false, true])
    time.advance(1)
    expect([await isIn(visitor), await isIn(copy)]).toEqual([false, false])
  })

  it('F-12 a cache that is read from a replica five seconds behind: logout, rotation and sign-in hold at once', async () => {
    const { time, entries, open } = setup()
    const history: { readonly at: number; readonly id: string; readonly row: StoredRow | null }[] = []
    const note = async (id: string): Promise<void> => void history.push({ at: time.clock(), id, row: await entries.get(id) })
    const replica: SessionStore = {
      ...entries,
      get: async (id) => history.findLast((one) => one.id === id && one.at <= time.clock() - 5_000)?.row ?? null,
      put: async (row, expected) => entries.put(row, expected).finally(() => note(row.id)),
    }
    const [here, there] = [open(replica), open(replica)]
    const visitor = new Visitor(here)
    await visitor.visit((session) => session.set('cart', 1))
    for (let n = 0; n < 30; n++) {
      time.advance(700)
      const before = visitor.clone()
      if (n % 3 === 0) await visitor.visit((session) => session.signIn('ada'))
      else if (n % 3 === 1) await visitor.visit((session) => session.rotate({ grace: 0 }))
      else await visitor.visit((session) => session.set('n', n))
      expect(await isIn(at(there, visitor)), `${n}`).toBe(true)
      if (n % 3 === 0) expect(await isIn(at(there, before))).toBe(false)
    }
    await visitor.clone().visit((session) => session.destroy())
    expect([await isIn(visitor), await isIn(at(there, visitor))]).toEqual([false, false])
  })

  it.each([500, 60_000])(
    'F-10 L-03 a cache node that was away for %i ms comes back with what it had: no older than staleMs',
    async (awayMs) => {
      const { time, open } = setup()
      const nodes = [memoryStore({ clock: time.clock }), memoryStore({ clock: time.clock })] as const
      let node: SessionStore = nodes[0]
      const ring: SessionStore = { ...nodes[0], get: (id) => node.get(id), put: (row, expected) => node.put(row, expected) }
      const [here, there] = [open(ring), open(ring)]
      const visitor = new Visitor(here)
      await visitor.visit((session) => session.signIn('ada'))
      const begun = time.clock()
      node = nodes[1]
      await visitor.clone().visit((session) => session.destroy())
      expect(await isIn(at(there, visitor))).toBe(false)
      time.advance(awayMs)
      node = nodes[0]
      for (; time.clock() < begun + 60_000; time.advance(250)) {
        if (time.clock() - begun < 1_000) continue
        expect(await isIn(at(there, visitor))).toBe(false)
      }
    },
  )

  it('F-14 a thousand requests for one entry that is too old are one load of the durable store', async () => {
    const { time, entries, durable, open } = setup()
    const many: SessionStore = { ...entries, getMany: (ids) => Promise.all(ids.map((id) => entries.get(id))) }
    for (const cache of [entries, many]) {
      const sessions = open(cache)
      const visitor = new Visitor(sessions)
      await visitor.visit((session) => session.set('a', 1))
      for (const how of ['expired', 'evicted']) {
        time.advance(2_000)
        if (how === 'evicted') await flush(entries)
        durable.fault('get', { delayMs: 50 })
        const before = durable.calls('get')
        const requests = Array.from({ length: 1_000 }, async (_, i) => {
          // Not all in one turn of the event loop: then the engine alone would share the read.
          for (let turns = i % 20; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve))
          return (await visitor.visit((session) => session.get('a'))).result
        })
        expect(new Set(await Promise.all(requests))).toEqual(new Set([1]))
        expect(durable.calls('get') - before, `${how}, ${cache === many ? 'read in waves of one tick' : 'read one by one'}`).toBe(1)
      }
    }
  })
})
