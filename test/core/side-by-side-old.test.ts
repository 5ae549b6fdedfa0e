/** What the old application does, and what becomes of our sessions. */
import { describe, expect, test } from 'vitest'
import { beside, down, seenBy } from '../support/beside.ts'
import { Visitor } from '../support/visitor.ts'

const tokenIn = (visitor: Visitor): string | undefined => visitor.jar.get('__Host-session')

describe('who is signed out there is so here', () => {
  test('M-06 at the next request, with an event', async () => {
    const { old, arrived, visitor, events, sessions } = beside()
    const ada = await arrived()
    old.rows.delete('a')
    expect(await seenBy(ada)).toBe('nobody')
    expect(events).toMatchObject([
      { type: 'moved_in', user: 'ada' },
      { type: 'rejected', why: 'signed_out' },
      { type: 'rejected', why: 'foreign' },
    ])
    expect(await sessions.list('ada')).toEqual([])
    expect(await seenBy(visitor())).toBe('nobody')
  })

  test('M-06 also for a visit that has neither of the cookies but a ticket, and for one that only looks', async () => {
    const { old, arrived, sessions } = beside()
    const ada = await arrived()
    ada.jar.delete('old')
    expect(await seenBy(ada)).toBe('ada')
    expect((await sessions.peek(ada.cookie))?.user).toBe('ada')
    old.rows.delete('a')
    expect(await sessions.peek(ada.cookie)).toBeNull()
    expect(await sessions.list('ada')).toHaveLength(1)
    expect(await seenBy(ada)).toBe('nobody')
    expect(await sessions.list('ada')).toEqual([])
  })

  test('M-06 who signs out in the same old session is anonymous here, with the values from there and a new secret', async () => {
    const { old, arrived, sessions } = beside()
    const ada = await arrived()
    await ada.visit((session) => session.set('secret', 'hers'))
    const before = ada.clone()
    old.rows.set('a', { n: 5 })
    expect((await ada.visit((session) => [session.user, session.toJSON()])).result).toEqual([null, { n: 5 }])
    expect(tokenIn(ada)).not.toBe(tokenIn(before))
    expect(await sessions.list('ada')).toEqual([])
  })

  test('M-06 and who signs in there is signed in here: the ticket from before opens nothing', async () => {
    const { old, arrived } = beside()
    const visitor = await arrived('anonymous')
    const planted = visitor.clone()
    planted.jar.delete('old')
    old.rows.set('anonymous', { user: 'ada', n: 1 })
    // Not even when its holder is the first to come.
    expect(await seenBy(planted)).toBe('nobody')
    expect(await seenBy(visitor)).toBe('ada')
    expect(await seenBy(planted)).toBe('nobody')
    expect(await seenBy(visitor)).toBe('ada')
  })

  test('M-06 twenty at once after a sign-in there: one session, and each sees it', async () => {
    const { old, arrived, make, sessions, events } = beside()
    const visitor = await arrived('anonymous')
    old.rows.set('anonymous', { user: 'ada', n: 1 })
    const other = make()
    const all = Array.from({ length: 20 }, (_, n) => new Visitor(n % 2 === 0 ? sessions : other, visitor.jar))
    const seen = await Promise.all(all.map((one) => one.visit((session) => (session.update('n', (n) => Number(n) + 1), session.user))))
    expect(seen.map(({ result }) => result)).toEqual(Array.from({ length: 20 }, () => 'ada'))
    const changed = all.filter((one) => tokenIn(one) !== tokenIn(visitor))
    expect(changed).toHaveLength(1)
    expect((await changed[0]?.visit((session) => session.get('n')))?.result).toBe(21)
    expect(old.rows.get('anonymous')).toEqual({ user: 'ada', n: 21 })
    expect(events.filter(({ type }) => type === 'moved_in')).toHaveLength(2)
  })

  test('M-06 a new session there, as after a sign-in that regenerates: ours ends, and that one moves in', async () => {
    const { old, arrived, sessions } = beside()
    const visitor = await arrived('anonymous')
    old.rows.set('b', { user: 'bob', n: 2 })
    visitor.jar.set('old', 'b.good')
    expect(await seenBy(visitor)).toBe('bob')
    expect(await sessions.list('bob')).toHaveLength(1)
    expect((await visitor.visit((session) => session.get('n'))).result).toBe(2)
    expect(old.rows.has('anonymous')).toBe(true)
  })

  test('without a user to go by, only the end counts', async () => {
    const { old, arrived } = beside({ tellsUser: false })
    const visitor = await arrived()
    await visitor.visit((session) => session.set('n', 2))
    old.rows.set('a', { n: 3 })
    expect((await visitor.visit((session) => session.get('n'))).result).toBe(2)
    old.rows.clear()
    expect(await seenBy(visitor)).toBe('nobody')
  })

  test('when the old store is down nobody is signed out, and nobody anonymous', async () => {
    const { old, arrived, visitor, sessions, make } = beside()
    const ada = await arrived()
    old.faults.set('load', down)
    for (const one of [ada, visitor()]) await expect(seenBy(one)).rejects.toMatchObject({ code: 'store_unavailable' })
    await expect(sessions.peek(ada.cookie)).rejects.toMatchObject({ code: 'store_unavailable' })
    const empty = new Visitor(make({ storeDown: 'read-empty' }), ada.jar)
    expect(await seenBy(empty)).toBe('nobody')
    await expect(empty.clone().visit((session) => session.set('n', 2))).rejects.toMatchObject({ code: 'store_unavailable' })
    old.faults.clear()
    expect(await seenBy(ada)).toBe('ada')
  })
})

describe('both are signed in to', () => {
  test('the old session lives on while only ours is used; that this fails is an event', async () => {
    const { old, arrived, events, sessions } = beside()
    const ada = await arrived()
    old.renewalDue = true
    await ada.visit(() => {})
    await sessions.peek(ada.cookie)
    expect(old.calls.filter((call) => call === 'renew')).toHaveLength(1)
    old.faults.set('renew', down)
    expect(await seenBy(ada)).toBe('ada')
    expect(events.at(-1)).toMatchObject({ type: 'store_failed', operation: 'dual-write' })
  })

  test('L-01 a sign-in here ends the old session, whose id somebody may have planted; ours goes on alone', async () => {
    const { old, arrived, visitor, sessions } = beside()
    const planted = await arrived('anonymous')
    await planted.visit((session) => session.signIn('bob'))
    expect(old.rows.has('anonymous')).toBe(false)
    old.calls.length = 0
    expect((await planted.visit((session) => (session.set('n', 2), session.user))).result).toBe('bob')
    expect(await seenBy(visitor('anonymous'))).toBe('nobody')
    expect(await seenBy(planted)).toBe('bob')
    expect(await sessions.list('bob')).toHaveLength(1)
    expect(old.calls).toEqual([])
  })

  test('one of the same user, who has shown the password again, does not', async () => {
    const { old, arrived, visitor } = beside()
    const ada = await arrived()
    await ada.visit((session) => session.set('sudo', true).signIn('ada'))
    expect(old.rows.get('a')).toMatchObject({ user: 'ada', sudo: true })
    expect(await seenBy(ada)).toBe('ada')
    expect(await seenBy(visitor())).toBe('ada')
  })

  test('M-06 the old cookie alone is as good as it is there, and can do everything', async () => {
    const { old, arrived, visitor, advance, whys } = beside()
    const ada = await arrived()
    await ada.visit(() => {})
    advance(60_000)
    const restarted = visitor()
    await restarted.visit((session) => session.set('n', 2))
    expect((await ada.visit((session) => session.get('n'))).result).toBe(2)
    await restarted.visit((session) => session.rotate())
    expect(await seenBy(restarted)).toBe('ada')
    expect([tokenIn(restarted) === tokenIn(ada), await seenBy(ada)]).toEqual([false, 'ada'])
    await visitor().visit((session) => session.destroy())
    expect([await seenBy(ada), await seenBy(restarted), old.rows.has('a')]).toEqual(['nobody', 'nobody', false])
    expect(whys()).not.toContain('moved')
  })

  test('but is no way around the token of a form', async () => {
    const { arrived, visitor } = beside({ ours: { csrf: { token: true } } })
    const ada = await arrived()
    await ada.visit(() => {})
    const post = { method: 'POST', headers: { 'sec-fetch-site': 'same-origin' } }
    await expect(visitor().visit((session) => session.set('n', 2), post)).rejects.toMatchObject({ code: 'csrf_refused' })
    const { result: token } = await visitor().visit((session) => session.csrfToken)
    await visitor().visit((session) => session.set('n', 2), { method: 'POST', headers: { ...post.headers, 'x-csrf-token': String(token) } })
    expect((await ada.visit((session) => session.get('n'))).result).toBe(2)
  })

  test('M-04 ours has ended by itself and the old one has not: twenty requests make one anew', async () => {
    const { old, arrived, visitor, advance, sessions, make } = beside({ ours: { lifetime: { idle: '1h', absolute: '10h' } } })
    const ada = await arrived()
    await ada.visit((session) => session.set('n', 2))
    advance(2 * 3_600_000)
    const other = make({ lifetime: { idle: '1h', absolute: '10h' } })
    const all = Array.from({ length: 20 }, (_, n) => visitor('a', n % 2 === 0 ? sessions : other))
    const ids = await Promise.all(
      all.map(async (one) => (await one.visit((session) => [session.id, session.user, session.get('n')])).result),
    )
    expect(new Set(ids.map((id) => JSON.stringify(id))).size).toBe(1)
    expect(ids[0]?.slice(1)).toEqual(['ada', 2])
    expect(all.filter((one) => tokenIn(one) !== undefined)).toHaveLength(1)
    expect(await sessions.list('ada')).toHaveLength(1)
    old.rows.clear()
    expect(await seenBy(visitor())).toBe('nobody')
  })

  test('M-06 somebody anonymous here who has signed in there is signed in; with an anonymous old session nothing changes', async () => {
    const { old, sessions, whys } = beside()
    const visitor = new Visitor(sessions)
    await visitor.visit((session) => session.set('lang', 'en'))
    visitor.jar.set('old', 'anonymous.good')
    expect((await visitor.visit((session) => [session.user, session.get('lang')])).result).toEqual([null, 'en'])
    visitor.jar.set('old', 'a.bad')
    expect((await visitor.visit((session) => [session.user, session.get('lang')])).result).toEqual([null, 'en'])
    expect(whys()).toEqual([])
    visitor.jar.set('old', 'a.good')
    expect(await seenBy(visitor)).toBe('ada')
    expect((await visitor.visit((session) => session.get('n'))).result).toBe(1)
    await visitor.visit((session) => session.destroy())
    expect(old.rows.has('a')).toBe(false)
    const bob = new Visitor(sessions)
    await bob.visit((session) => session.signIn('bob'))
    bob.jar.set('old', 'anonymous.good')
    old.rows.set('anonymous', { user: 'ada' })
    expect(await seenBy(bob)).toBe('bob')
  })

  test('sessions that were moved in bulk are kept in step too', async () => {
    const { old, sessions, arrived } = beside()
    expect(await sessions.moveInPage('old')).toMatchObject({ moved: 2 })
    await (await arrived()).visit((session) => session.set('n', 2))
    expect(old.rows.get('a')).toMatchObject({ n: 2 })
    await sessions.revokeUser('ada')
    expect(old.rows.has('a')).toBe(false)
  })
})
