import { describe, expect, it } from 'vitest'
import { createSessions } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { all, memory, secret, sealed, spill, sqlite } from '../support/backends.ts'
import { holder, listener, tokenOf } from '../support/raw.ts'
import { Visitor } from '../support/visitor.ts'

const secondMs = 1_000
const minuteMs = 60 * secondMs
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

/** Both carriers of a spilling session: small and sealed, large and stored. */
const places = [
  ...all.map((backend) => ({ name: backend.name, backend, value: 1 })),
  { name: 'spilled', backend: spill, value: 'x'.repeat(5_000) },
]

describe.each(places)('timeouts on $name', ({ backend, value }) => {
  it.each([
    [-secondMs, true],
    [-1, true],
    [0, true],
    [1, false],
    [secondMs, false],
  ] as const)('L-05/06 S0.4 idle time: at the limit %i ms it lives: %s, read by another process', async (offsetMs, lives) => {
    const { sessions, again, advance, close } = backend.setup({ lifetime: { idle: '30m', absolute: '8h', touchEvery: 0 } })
    const { visitor } = await holder(sessions, value)
    advance(25 * minuteMs)
    expect((await visitor.visit((session) => session.isNew)).result).toBe(false)
    advance(30 * minuteMs + offsetMs)
    expect((await sessions.peek(visitor.cookie)) !== null).toBe(lives)
    const restarted = new Visitor(again({ lifetime: { idle: '30m', absolute: '8h' } }), visitor.jar)
    expect((await restarted.visit((session) => !session.isNew)).result).toBe(lives)
    await close()
  })

  it.each([
    [-secondMs, true],
    [0, true],
    [1, false],
    [secondMs, false],
  ] as const)(
    'L-05/06 absolute time: at the limit %i ms it lives: %s, however often it was used, written and rotated',
    async (offsetMs, lives) => {
      const { sessions, advance, close } = backend.setup({ lifetime: { idle: '1h', absolute: '3h', touchEvery: 0 } })
      const { visitor } = await holder(sessions, value)
      for (let used = 0; used < 4; used++) {
        advance(40 * minuteMs)
        await visitor.visit((session) => (used === 2 ? session.rotate() : session.set('used', used)))
      }
      advance(20 * minuteMs + offsetMs)
      expect((await visitor.visit((session) => !session.isNew)).result).toBe(lives)
      await close()
    },
  )

  it('L-05/06 signing in starts the absolute time anew', async () => {
    const { sessions, advance, close } = backend.setup({ lifetime: { idle: '2h', absolute: '3h' } })
    const { visitor } = await holder(sessions, value)
    advance(90 * minuteMs)
    await visitor.visit((session) => session.signIn('ada'))
    advance(2 * hourMs)
    expect((await visitor.visit((session) => session.user)).result).toBe('ada')
    advance(hourMs + 1)
    expect((await visitor.visit((session) => session.user)).result).toBeNull()
    await close()
  })

  it('L-05/06 a release with a shorter absolute time counts at once, also for sessions made before', async () => {
    const { again, advance, close } = backend.setup()
    const { visitor } = await holder(again({ lifetime: { idle: '12h', absolute: '24h' } }), value)
    const stricter = again({ lifetime: { idle: '2h', absolute: '3h' } })
    advance(3 * hourMs)
    expect(await stricter.peek(visitor.cookie)).not.toBeNull()
    advance(1)
    expect(await stricter.peek(visitor.cookie)).toBeNull()
    await close()
  })

  it('L-07 a session from a machine whose clock is five minutes ahead is good, from one further ahead it is not', async () => {
    const { onEvent, rejections } = listener()
    for (const [aheadMs, lives] of [
      [5 * minuteMs, true],
      [5 * minuteMs + 1, false],
      [hourMs, false],
      [400 * dayMs, false],
    ] as const) {
      const { again, now, close } = backend.setup({ lifetime: { idle: '24h', absolute: '24h' } })
      const ahead = again({ clock: () => now() + aheadMs })
      const { visitor } = await holder(ahead, value)
      const here = new Visitor(again({ onEvent }), visitor.jar)
      rejections()
      expect((await here.visit((session) => !session.isNew)).result).toBe(lives)
      // A sealed token of a day that has not begun is not even decrypted.
      expect(rejections()).toEqual(
        lives
          ? []
          : aheadMs > dayMs && tokenOf(visitor).startsWith('s1')
            ? ['malformed']
            : ['clock', ...(tokenOf(visitor).startsWith('t1') ? ['absent'] : [])],
      )
      await close()
    }
  })

  it('L-07 two machines five minutes apart never end it early nor extend it by more than that', async () => {
    for (const apartMs of [-5 * minuteMs, 5 * minuteMs]) {
      const { sessions, again, now, advance, close } = backend.setup({ lifetime: { idle: '1h', absolute: '4h', touchEvery: 0 } })
      const other = again({ clock: () => now() + apartMs })
      const { visitor } = await holder(sessions, value)
      const there = new Visitor(other, visitor.jar)
      for (let i = 0; i < 3; i++) {
        advance(50 * minuteMs)
        for (const one of i % 2 ? [visitor, there] : [there, visitor]) {
          expect((await one.visit((session) => !session.isNew)).result).toBe(true)
          there.jar.clear()
          for (const [name, cookie] of visitor.jar) there.jar.set(name, cookie)
        }
      }
      advance(hourMs + 5 * minuteMs + 1)
      expect((await visitor.visit((session) => session.isNew)).result).toBe(true)
      await close()
    }
  })

  it('L-07 a clock that jumps back and forth moves no timeout beyond what it says itself', async () => {
    const { sessions, advance, close } = backend.setup({ lifetime: { idle: '1h', absolute: '4h', touchEvery: 0 } })
    const { visitor } = await holder(sessions, value)
    advance(10 * minuteMs)
    await visitor.visit((session) => session.set('a', 1))
    advance(-4 * minuteMs)
    expect((await visitor.visit((session) => session.set('a', 2).size)).result).toBe(2)
    advance(4 * minuteMs + hourMs - 4 * minuteMs)
    expect((await visitor.visit((session) => session.get('a'))).result).toBe(2)
    advance(400 * dayMs)
    expect((await visitor.visit((session) => session.isNew)).result).toBe(true)
    await close()
  })

  it('L-07 seconds do not run out in 2038, 2106 or on a leap day', async () => {
    for (const start of ['2038-01-19T03:13:30Z', '2106-02-07T06:28:00Z', '2028-02-28T23:59:50Z', '2199-12-31T23:59:50Z']) {
      const setup = backend.setup({ lifetime: { idle: '1h', absolute: '1d', persistent: true } })
      setup.advance(Date.parse(start) - setup.now())
      const { visitor } = await holder(setup.sessions, value)
      setup.advance(59 * minuteMs)
      const { result, outgoing } = await visitor.visit((session) => session.set('a', 1).get('mine'))
      expect([result, outgoing.outcome]).toEqual([value, 'stored'])
      setup.advance(hourMs + 1)
      expect((await visitor.visit((session) => session.isNew)).result).toBe(true)
      await setup.close()
    }
  })
})

it('L-07 the clock is asked anew for every decision, so a mocked Date.now counts', async () => {
  const real = Date.now
  try {
    const sessions = createSessions({ secret, store: memoryStore(), clock: () => Date.now(), lifetime: { idle: '1h' } })
    const { visitor } = await holder(sessions)
    Date.now = () => real() + hourMs + minuteMs
    expect(await sessions.peek(visitor.cookie)).toBeNull()
    await sessions.close()
  } finally {
    Date.now = real
  }
})

it('L-05/06 timeouts are ours: neither the cookie nor the store has to end anything', async () => {
  for (const backend of [memory, sqlite, sealed]) {
    const { sessions, store, advance, close } = backend.setup({ lifetime: { idle: '1h', absolute: '2h', persistent: true } })
    const { visitor } = await holder(sessions)
    const kept = store === null ? null : await store.get((await visitor.visit((session) => session.id)).result)
    if (store !== null) store.get = async () => kept
    advance(hourMs + 1)
    expect((await visitor.visit((session) => session.isNew)).result).toBe(true)
    await close()
  }
})
