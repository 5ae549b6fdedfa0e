import { describe, expect, test } from 'vitest'
import type { Sessions } from '../../src/index.ts'
import { beside, down, seenBy } from '../support/beside.ts'
import { Visitor } from '../support/visitor.ts'

type Any = Record<string, unknown>

describe('what changes here', () => {
  test('M-06 the old application reads it; what only that has set stays, and nothing is written that has not changed', async () => {
    const { old, arrived } = beside()
    const ada = await arrived()
    expect([...ada.jar.keys()]).toEqual(['old', '__Host-session'])
    old.rows.set('a', { user: 'ada', n: 1, theirs: 'changed there', more: true })
    await ada.visit((session) => session.set('cart', ['hat']))
    expect(old.rows.get('a')).toEqual({ user: 'ada', n: 1, theirs: 'changed there', more: true, cart: ['hat'] })
    await ada.visit((session) => (session.update('n', (n) => Number(n) + 1), session.delete('theirs')))
    expect(old.rows.get('a')).toEqual({ user: 'ada', n: 2, more: true, cart: ['hat'] })
    await ada.visit((session) => session.take('cart'))
    expect(old.rows.get('a')).toEqual({ user: 'ada', n: 2, more: true })
  })

  test('M-06 in the very request that moves it in, and after its response has begun', async () => {
    const { old, visitor } = beside()
    const ada = visitor()
    const { session, finish, settled } = await ada.begin()
    session.set('n', 2)
    await finish()
    expect(old.rows.get('a')).toMatchObject({ n: 2 })
    session.set('n', 3)
    await settled()
    expect(old.rows.get('a')).toMatchObject({ n: 3 })
  })

  test('what is no value, or ends by itself, does not concern it', async () => {
    const { old, arrived } = beside()
    const ada = await arrived()
    await ada.visit((session) => session.set('code', '123456', { ttl: '10m' }))
    await ada.visit((session) => (session.flash('hello'), session.rotate()))
    await ada.visit((session) => session.flashes())
    expect(old.rows.get('a')).toEqual({ user: 'ada', n: 1, theirs: 'stays' })
    expect(old.calls).not.toContain('write')
    expect(await seenBy(ada)).toBe('ada')
  })

  test.each(['one process', 'two processes'])('R-01 parallel commits in %s: in the end both applications have the same', async (title) => {
    const { old, sessions, make, arrived } = beside()
    const ada = await arrived()
    const engines = title === 'one process' ? [sessions] : [sessions, make()]
    let waits = 0
    old.faults.set('write', () => new Promise((resolve) => setTimeout(resolve, [30, 1, 15, 0][waits++ % 4])))
    const one = (n: number): Promise<unknown> =>
      new Visitor(engines[n % engines.length] as Sessions<Any>, ada.jar).visit((session) => {
        session.update('n', (value) => Number(value) + 1)
        session.set(`key${n}`, n)
      })
    await Promise.all(Array.from({ length: 12 }, (_, n) => one(n)))
    const values = (await ada.visit((session) => session.toJSON())).result
    expect(values).toMatchObject({ n: 13, key0: 0, key11: 11 })
    expect(old.rows.get('a')).toEqual({ user: 'ada', ...values })
  })

  test('a write that is overtaken puts right what it has overwritten, also when the newest value is the one from before', async () => {
    const { old, arrived, make, sessions } = beside()
    const ada = await arrived()
    let release = (): void => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    old.faults.set('write', () => held)
    const slow = new Visitor(make(), ada.jar).visit((session) => session.set('n', 2))
    await expect.poll(() => old.calls.filter((call) => call === 'write').length).toBe(1)
    old.faults.delete('write')
    await new Visitor(sessions, ada.jar).visit((session) => session.set('n', 1))
    release()
    await slow
    expect((await ada.visit((session) => session.get('n'))).result).toBe(1)
    expect(old.rows.get('a')).toMatchObject({ n: 1 })
  })

  test('a write that fails is not acknowledged', async () => {
    const { old, arrived } = beside()
    const ada = await arrived()
    old.faults.set('write', down)
    await expect(ada.visit((session) => session.set('n', 2))).rejects.toMatchObject({ code: 'store_unavailable' })
    old.faults.clear()
    await ada.visit((session) => session.set('n', 3))
    expect(old.rows.get('a')).toMatchObject({ n: 3 })
  })
})

describe('who is signed out here is so there', () => {
  test('M-06 M-03 destroy ends both, and the old cookie opens nothing', async () => {
    const { old, arrived, visitor } = beside()
    const ada = await arrived()
    await ada.visit((session) => session.destroy())
    expect(old.rows.has('a')).toBe(false)
    expect([...ada.jar.keys()]).toEqual(['old'])
    expect(await seenBy(ada)).toBe('nobody')
    expect(await seenBy(visitor())).toBe('nobody')
  })

  test('M-06 M-03 destroy in the very request that moved it in', async () => {
    const { old, visitor } = beside()
    await visitor().visit((session) => session.destroy())
    expect(old.rows.has('a')).toBe(false)
    expect(await seenBy(visitor())).toBe('nobody')
  })

  test.each<[string, (sessions: Sessions<Any>, id: string) => Promise<unknown>]>([
    ['revoke', (sessions, id) => sessions.revoke(id)],
    ['revokeUser', (sessions) => sessions.revokeUser('ada')],
  ])('M-06 %s ends both, though nobody has shown the old cookie', async (_name, end) => {
    const { old, sessions, arrived } = beside()
    const ada = await arrived()
    const { result: id } = await ada.visit((session) => session.id)
    expect(await end(sessions, id)).toBeTruthy()
    expect(old.rows.has('a')).toBe(false)
    expect(await seenBy(ada)).toBe('nobody')
  })

  test('M-06 so does a secret that was copied, and one session too many', async () => {
    const copied = beside()
    const ada = await copied.arrived()
    const thief = ada.clone()
    await ada.visit((session) => session.rotate())
    await ada.visit(() => {})
    copied.advance(31_000)
    expect(await seenBy(thief)).toBe('nobody')
    expect([copied.old.rows.has('a'), copied.whys()]).toEqual([false, ['reused', 'foreign']])

    const crowded = beside({ ours: { maxPerUser: { max: 1, whenFull: 'end-oldest' } } })
    await crowded.arrived()
    await new Visitor(crowded.sessions).visit((session) => session.signIn('ada'))
    expect(crowded.old.rows.has('a')).toBe(false)
  })

  test('when the old store fails neither is ended, and it can be tried again', async () => {
    const { old, sessions, arrived } = beside()
    const ada = await arrived()
    const { result: id } = await ada.visit((session) => session.id)
    old.faults.set('end', down)
    await expect(ada.clone().visit((session) => session.destroy())).rejects.toMatchObject({ code: 'store_unavailable' })
    await expect(sessions.revoke(id)).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(await seenBy(ada)).toBe('ada')
    old.faults.clear()
    expect(await sessions.revoke(id)).toBe(true)
    expect(old.rows.has('a')).toBe(false)
  })

  test.each([true, false])('R-02 a write under way brings nothing back, in a store that compares: %s', async (compares) => {
    const { old, arrived, make } = beside({ revives: !compares })
    const ada = await arrived()
    let release = (): void => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    old.faults.set('write', () => held)
    const late = new Visitor(make(), ada.jar).visit((session) => session.set('n', 2))
    await expect.poll(() => old.calls.includes('write')).toBe(true)
    await ada.visit((session) => session.destroy())
    release()
    await late
    expect(old.rows.has('a')).toBe(false)
  })

  test('R-02 nor does one that comes between the two ends', async () => {
    const { old, store, arrived, make } = beside({ revives: true })
    const ada = await arrived()
    let release = (): void => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    old.faults.set('write', () => held)
    const late = new Visitor(make(), ada.jar).visit((session) => session.set('n', 2))
    await expect.poll(() => old.calls.includes('write')).toBe(true)
    const { delete: remove } = store
    store.delete = async (id) => {
      release()
      await late
      expect(old.rows.has('a')).toBe(true)
      await remove(id)
    }
    await ada.visit((session) => session.destroy())
    expect(old.rows.has('a')).toBe(false)
  })
})
