/** Both applications do something at the same time, or somebody has signed in to both of them. */
import { describe, expect, test } from 'vitest'
import { beside, down, heldUp, seenBy } from '../support/beside.ts'
import { Visitor } from '../support/visitor.ts'

const newSecret = 'a newer secret, also longer than 32 bytes'

describe('somebody else signs in there while a request is under way here', () => {
  test.each([
    ['with the old cookie alone', false],
    ['with the old cookie alone, before anybody has used the ticket', true],
  ])('R-08 what it has changed goes into nobody else’s session: %s', async (_how, unseen) => {
    const { old, arrived, visitor, events } = beside()
    const ada = await arrived()
    if (!unseen) await ada.visit(() => {})
    const slow = await visitor().begin()
    slow.session.set('address', 'of Ada')
    old.rows.set('a', { user: 'eve', n: 1 })
    const eve = visitor()
    expect(await seenBy(eve)).toBe('eve')
    expect((await slow.finish()).outcome).toBe('gone')
    expect((await eve.visit((session) => session.toJSON())).result).toEqual({ n: 1 })
    expect(old.rows.get('a')).toEqual({ user: 'eve', n: 1 })
    expect(events.at(-1)).toMatchObject({ type: 'gone' })
  })

  test('R-08 nor into hers there, when nobody has come since', async () => {
    const { old, arrived, visitor } = beside()
    const slow = await (await arrived()).begin()
    slow.session.set('address', 'of Ada')
    old.rows.set('a', { user: 'eve', n: 1 })
    await slow.finish()
    expect(old.rows.get('a')).toEqual({ user: 'eve', n: 1 })
    expect((await visitor().visit((session) => [session.user, session.toJSON()])).result).toEqual(['eve', { n: 1 }])
  })
})

describe('a logout here', () => {
  test('R-02 M-03 holds when the old application saves the session once more, and ends it there again', async () => {
    const { old, arrived, visitor, make } = beside()
    const ada = await arrived()
    const saved = old.rows.get('a') as Readonly<Record<string, unknown>>
    await ada.visit((session) => session.destroy())
    old.rows.set('a', saved)
    expect(await seenBy(ada)).toBe('nobody')
    expect(old.rows.has('a')).toBe(false)
    old.rows.set('a', saved)
    expect(await seenBy(visitor())).toBe('nobody')
    old.rows.set('a', saved)
    const { dualWrite: _dualWrite, ...reader } = old.reader
    expect(await seenBy(visitor('a', make({ moveIn: [reader] })))).toBe('nobody')
  })

  test('R-02 so does what a sign-in here has ended', async () => {
    const { old, arrived, visitor } = beside()
    const planted = await arrived('anonymous')
    const saved = old.rows.get('anonymous') as Readonly<Record<string, unknown>>
    await planted.visit((session) => session.signIn('bob'))
    await planted.visit((session) => session.destroy())
    old.rows.set('anonymous', { ...saved, user: 'eve' })
    expect(await seenBy(visitor('anonymous'))).toBe('nobody')
    expect(old.rows.has('anonymous')).toBe(false)
  })

  test('R-02 holds for a request that was just moving the same session in', async () => {
    const { old, store, visitor } = beside()
    const saved = old.rows.get('a') as Readonly<Record<string, unknown>>
    const { put } = store
    let release = (): void => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    let puts = 0
    store.put = async (row, expected) => {
      if (puts++ === 0) await held
      return put(row, expected)
    }
    const slow = visitor()
    const seen = seenBy(slow)
    await expect.poll(() => puts).toBe(1)
    await visitor().visit((session) => session.destroy())
    old.rows.set('a', saved)
    release()
    expect(await seen).toBe('nobody')
    expect(old.rows.has('a')).toBe(false)
    expect(await seenBy(slow)).toBe('nobody')
  })

  test('L-03 of somebody who has signed in to each by itself ends both', async () => {
    const { old, sessions, whys } = beside()
    const bob = new Visitor(sessions)
    await bob.visit((session) => session.signIn('bob'))
    bob.jar.set('old', 'a.good')
    expect(await seenBy(bob)).toBe('bob')
    old.faults.set('end', down)
    await expect(bob.clone().visit((session) => session.destroy())).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(await seenBy(bob)).toBe('bob')
    old.faults.clear()
    await bob.visit((session) => session.destroy())
    expect(old.rows.has('a')).toBe(false)
    expect(await seenBy(bob)).toBe('nobody')
    expect(whys()).toEqual(['foreign'])
  })
})

test('R-02 an old session that is over ends ours, and not what somebody has signed in to meanwhile', async () => {
  const { old, arrived } = beside()
  const bob = await arrived()
  await bob.visit(() => {})
  const other = bob.clone()
  const release = heldUp(old, 'load')
  const seen = seenBy(other)
  await expect.poll(() => old.calls.filter((call) => call === 'load').length).toBe(3)
  old.faults.clear()
  await bob.visit((session) => session.signIn('bob'))
  release()
  expect(await seen).toBe('nobody')
  expect(await seenBy(bob)).toBe('bob')
})

describe('a write that is given up at the deadline and arrives all the same', () => {
  test('R-02 brings nothing back that has ended meanwhile', async () => {
    const { old, arrived, make } = beside({ revives: true })
    const ada = await arrived()
    const release = heldUp(old, 'write')
    const late = new Visitor(make({ storeDeadline: '20ms' }), ada.jar).visit((session) => session.set('n', 2))
    await expect(late).rejects.toMatchObject({ code: 'store_unavailable' })
    await ada.visit((session) => session.destroy())
    const ends = old.calls.filter((call) => call === 'end').length
    release()
    await expect.poll(() => old.calls.filter((call) => call === 'end').length).toBe(ends + 1)
    expect(old.rows.has('a')).toBe(false)
  })

  test('R-01 does not stay where something newer was written', async () => {
    const { old, arrived, make } = beside()
    const ada = await arrived()
    const release = heldUp(old, 'write')
    const late = new Visitor(make({ storeDeadline: '20ms' }), ada.jar).visit((session) => session.set('n', 2))
    await expect(late).rejects.toMatchObject({ code: 'store_unavailable' })
    old.faults.clear()
    await ada.visit((session) => session.set('n', 3))
    const writes = old.calls.filter((call) => call === 'write').length
    release()
    await expect.poll(() => old.calls.filter((call) => call === 'write').length).toBe(writes + 1)
    expect(old.rows.get('a')).toMatchObject({ n: 3 })
  })
})

describe('a secret of the server that only some know', () => {
  test('T-07 who comes with the old cookie alone is in step all the same, and can sign out', async () => {
    const { old, arrived, visitor, make } = beside()
    await arrived()
    const renewed = make({ secret: newSecret })
    await visitor('a', renewed).visit((session) => session.set('n', 2))
    expect(old.rows.get('a')).toMatchObject({ n: 2 })
    await visitor('a', renewed).visit((session) => session.destroy())
    expect(old.rows.has('a')).toBe(false)
  })
})

test('R-01 a change written together with a sign-in of the same user is not missed', async () => {
  const { old, arrived, store } = beside()
  const ada = await arrived()
  await ada.visit(() => {})
  const { put } = store
  let release = (): void => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  store.put = async (row, expected) => (await held, put(row, expected))
  const all = await Promise.all([ada.clone().begin(), ada.clone().begin(), ada.clone().begin()])
  all[0].session.flash('hello')
  all[1].session.set('second', 2)
  all[2].session.signIn('ada')
  const done = all.map(({ finish }) => finish())
  await new Promise((resolve) => setImmediate(resolve))
  release()
  expect((await Promise.all(done)).map(({ outcome }) => outcome)).toEqual(['stored', 'stored', 'stored'])
  expect(old.rows.get('a')).toMatchObject({ second: 2 })
})
