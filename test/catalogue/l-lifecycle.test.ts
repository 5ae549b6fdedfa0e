import { describe, expect, it } from 'vitest'
import { all, sealed, spill, stored } from '../support/backends.ts'
import { cookieName, holder, listener, request, tokenOf } from '../support/raw.ts'
import { Visitor } from '../support/visitor.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const revocable = [...stored, spill]

describe.each(revocable)('signing in and out on $name', (backend) => {
  it('L-01 L-08 the ticket from before sign-in opens nothing from then on: planted, copied or in another tab', async () => {
    const { onEvent, rejections } = listener()
    const { sessions, close } = backend.setup({ onEvent })
    const { visitor, token } = await holder(sessions)
    const [planted, tab] = [visitor.clone(), await visitor.clone().begin()]
    await visitor.visit((session) => session.signIn('ada'))
    expect(tokenOf(visitor)).not.toBe(token)
    expect((await visitor.visit((session) => [session.user, session.get('mine')])).result).toEqual(['ada', 1])
    expect((await planted.visit((session) => [session.isNew, session.user])).result).toEqual([true, null])
    expect(rejections()).toEqual([backend === spill ? 'outdated' : 'replaced'])
    tab.session.set('mine', 'from before')
    expect(await tab.finish()).toMatchObject({ outcome: 'gone', setCookies: [] })
    expect((await visitor.visit((session) => session.get('mine'))).result).toBe(1)
    await close()
  })

  it('L-02 rotation gives a new secret under the same id, and the old one lives exactly as long as its grace', async () => {
    for (const [grace, aliveMs] of [
      ['10s', 10_000],
      [0, 0],
    ] as const) {
      const { sessions, advance, close } = backend.setup()
      const visitor = new Visitor(sessions)
      await visitor.visit((session) => session.set('mine', 1).signIn('ada'))
      const [old, id, before] = [visitor.clone(), (await visitor.visit((session) => session.id)).result, tokenOf(visitor)]
      await visitor.visit((session) => session.rotate({ grace }))
      expect(tokenOf(visitor)).not.toBe(before)
      expect((await visitor.visit((session) => session.id)).result).toBe(id)
      advance(aliveMs)
      expect((await old.clone().visit((session) => session.get('mine'))).result).toBe(1)
      advance(1)
      expect((await old.visit((session) => session.isNew)).result).toBe(true)
      await close()
    }
  })

  it('L-02 an anonymous visitor who rotates leaves the copies of his old cookie behind', async () => {
    const { sessions, advance, close } = backend.setup()
    const { visitor } = await holder(sessions)
    const copy = visitor.clone()
    expect((await visitor.visit((session) => session.rotate({ grace: 0 }))).outgoing.outcome).toBe('stored')
    expect((await visitor.visit((session) => session.get('mine'))).result).toBe(1)
    advance(1)
    expect((await copy.visit((session) => session.isNew)).result).toBe(true)
    await close()
  })

  it('L-03 after sign-out every copy is anonymous everywhere, and no late request brings it back', async () => {
    const { sessions, again, close } = backend.setup()
    const visitor = new Visitor(sessions)
    await visitor.visit((session) => session.set('mine', 1).signIn('ada'))
    const [copy, elsewhere] = [visitor.clone(), new Visitor(again(), visitor.jar)]
    const [tab, remote] = [await copy.begin(), await elsewhere.begin()]
    await visitor.visit((session) => session.destroy())
    expect(visitor.jar.size).toBe(0)
    for (const late of [tab, remote]) {
      late.session.set('late', 1)
      expect(await late.finish()).toMatchObject({ outcome: 'gone', setCookies: [] })
    }
    for (const one of [copy, elsewhere]) expect((await one.visit((session) => [session.isNew, session.user])).result).toEqual([true, null])
    await close()
  })

  it('L-09 nobody is signed in but by signIn', async () => {
    const { sessions, close } = backend.setup()
    const { visitor } = await holder(sessions)
    await visitor.visit((session) => session.set('user', 'ada').set('passwordOk', true))
    expect((await visitor.visit((session) => [session.user, session.signedInAt])).result).toEqual([null, null])
    expect((await sessions.peek(visitor.cookie))?.user).toBeNull()
    expect(await sessions.list('ada')).toEqual([])
    await close()
  })

  it('L-10 L-11 a user is thrown out everywhere, or everywhere but here', async () => {
    const { sessions, again, close } = backend.setup()
    const devices = Array.from({ length: 5 }, (_, i) => new Visitor(i % 2 ? again() : sessions))
    for (const device of devices) await device.visit((session) => session.signIn('ada'))
    const other = new Visitor(sessions)
    await other.visit((session) => session.signIn('bob'))
    const here = (await devices[0]?.visit((session) => session.id))?.result ?? ''
    expect(await sessions.revokeUser('ada', { except: here })).toBe(4)
    const live = async (): Promise<boolean[]> =>
      Promise.all(devices.map(async (one) => !(await one.visit((session) => session.isNew)).result))
    expect(await live()).toEqual([true, false, false, false, false])
    expect(await sessions.revokeUser('ada')).toBe(1)
    expect(await live()).toEqual([false, false, false, false, false])
    expect((await other.visit((session) => session.user)).result).toBe('bob')
    const back = new Visitor(sessions)
    await back.visit((session) => session.signIn('ada'))
    expect((await sessions.list('ada')).length).toBe(1)
    await close()
  })

  it.each(['end-oldest', 'refuse'] as const)('L-12 a user never has more sessions than maxPerUser: %s', async (whenFull) => {
    const { sessions, close } = backend.setup({ maxPerUser: { max: 2, whenFull } })
    const devices = Array.from({ length: 6 }, () => new Visitor(sessions))
    await Promise.all(devices.slice(0, 3).map((device) => device.visit((session) => session.set('cart', 1))))
    const ends = await Promise.allSettled(devices.map((device) => device.visit((session) => session.signIn('ada'))))
    const refused = ends.flatMap((end) => (end.status === 'rejected' ? [(end.reason as { code: string }).code] : []))
    expect(refused).toEqual(whenFull === 'refuse' ? Array.from({ length: 4 }, () => 'too_many_sessions') : [])
    expect((await sessions.list('ada')).length).toBe(2)
    await close()
  })
})

describe.each(all)('who signs in on $name', (backend) => {
  it('L-01 keeps what an anonymous visitor stored, none of it, or some', async () => {
    for (const [keep, left] of [
      [undefined, ['cart', 'seen', 'now']],
      [true, ['cart', 'seen', 'now']],
      [false, []],
      [['seen'], ['seen']],
      [['now', 'nope'], ['now']],
    ] as const) {
      const { sessions, close } = backend.setup()
      const visitor = new Visitor(sessions)
      await visitor.visit((session) => session.set('cart', [1]).set('seen', 2, { ttl: '5m' }))
      await visitor.visit((session) => session.set('now', 3).signIn('ada', keep === undefined ? {} : { keep }))
      expect((await visitor.visit((session) => session.keys())).result).toEqual(left)
      await close()
    }
  })

  it('L-01 nothing of one user reaches the next', async () => {
    for (const keep of [true, ['cart', 'now']]) {
      const { sessions, close } = backend.setup()
      const visitor = new Visitor(sessions)
      await visitor.visit((session) => {
        session.signIn('ada')
        session.set('cart', ['hers'])
        session.flash('for ada')
      })
      await visitor.visit((session) => {
        session.set('now', 'hers too')
        session.flash('hers as well')
        session.signIn('bob', { keep })
        expect([session.size, session.get('cart'), session.has('now')]).toEqual([0, undefined, false])
        session.set('after', 'his')
      })
      const { result } = await visitor.visit(async (session) => [session.user, session.toJSON(), await session.flashes()])
      expect(result).toEqual(['bob', { after: 'his' }, []])
      await close()
    }
  })

  it('L-01 the same user who signs in again keeps everything', async () => {
    const { sessions, close } = backend.setup()
    const visitor = new Visitor(sessions)
    await visitor.visit((session) => session.set('a', 1).signIn('ada'))
    await visitor.visit((session) => session.signIn('ada', { keep: false }))
    expect((await visitor.visit((session) => [session.user, session.get('a')])).result).toEqual(['ada', 1])
    await close()
  })

  it('L-01 is a user as the store can keep it, or is refused', async () => {
    for (const user of ['a\nb', 'a;b', 'ä🍪', ' a', "a'--", 'x'.repeat(512), '{"$gt":""}', '__proto__']) {
      const { sessions, close } = backend.setup()
      const visitor = new Visitor(sessions)
      await visitor.visit((session) => session.signIn(user))
      expect((await visitor.visit((session) => session.user)).result).toBe(user)
      await close()
    }
    const { sessions, close } = backend.setup()
    for (const user of ['', 'x'.repeat(513), 'a\ud800', '\udc00', 'a\0b', 7, null, undefined, {}]) {
      await expect(new Visitor(sessions).visit((session) => session.signIn(user as string))).rejects.toMatchObject({
        code: 'value_invalid',
      })
    }
    await close()
  })

  it('L-13 signedInAt stays where signing in put it', async () => {
    const { sessions, advance, now, close } = backend.setup({ lifetime: { idle: '1h', absolute: '1d' } })
    const visitor = new Visitor(sessions)
    await visitor.visit((session) => session.signIn('ada'))
    const at = now()
    for (const handler of [
      () => {},
      (s: { set(k: string, v: unknown): unknown }) => void s.set('a', 1),
      (s: { rotate(): void }) => s.rotate(),
    ]) {
      advance(10 * 60_000)
      await visitor.visit(handler as never)
      expect((await visitor.visit((session) => session.signedInAt)).result).toBe(at)
    }
    await visitor.visit((session) => session.signIn('ada'))
    expect((await visitor.visit((session) => session.signedInAt)).result).toBe(at + 30 * 60_000)
    await close()
  })

  it('L-16 keys named like our own are data, and awaiting a session is not hijacked', async () => {
    const { sessions, close } = backend.setup()
    const visitor = new Visitor(sessions)
    const names = ['id', 'cookie', 'destroy', 'then', 'toJSON', 'constructor', 'user', 'isNew', 'get', 'collect']
    await visitor.visit((session) => names.forEach((name) => session.set(name, `data ${name}`)))
    const { result } = await visitor.visit(async (session) => {
      const awaited = await session
      return [
        awaited === session,
        session.isNew,
        session.id.length,
        session.user,
        names.map((name) => session.get(name)),
        JSON.parse(JSON.stringify(session)),
      ]
    })
    const values = names.map((name) => `data ${name}`)
    expect(result).toEqual([true, false, 24, null, values, Object.fromEntries(names.map((name, i) => [name, values[i]]))])
    await close()
  })
})

it('L-04 a copy of a spilled or ended cookie is refused; a purely sealed one is not, and says so in its options and its life', async () => {
  const ends = spill.setup()
  const { visitor } = await holder(ends.sessions)
  const copy = visitor.clone()
  await visitor.visit((session) => session.destroy())
  expect((await copy.visit((session) => session.isNew)).result).toBe(true)
  const copied = sealed.setup()
  const { visitor: carrier } = await holder(copied.sessions)
  const replay = carrier.clone()
  await carrier.visit((session) => session.destroy())
  expect((await replay.clone().visit((session) => session.get('mine'))).result).toBe(1)
  copied.advance(dayMs + 1)
  expect((await replay.visit((session) => session.isNew)).result).toBe(true)
  expect(() => sealed.setup({ lifetime: { absolute: '31d' } })).toThrowError(/30 days/)
  await Promise.all([ends.close(), copied.close()])
})

it.each(stored)('L-08 ids nobody issued are never adopted, on $name', async (backend) => {
  const { sessions, again, close } = backend.setup()
  const elsewhere = await holder(again({ secret: 'the secret of another environment 0123456789' }))
  const { token } = await holder(sessions)
  for (const value of ['A'.repeat(100), elsewhere.token, token.replace(/^t1.{6}/, elsewhere.token.slice(0, 8))]) {
    const { opened, outgoing } = await request(sessions, `${cookieName}=${value}`, (session) => session.set('a', 1))
    expect([opened, outgoing.outcome, outgoing.setCookies[0]?.includes(value.slice(8, 32))]).toEqual([false, 'stored', false])
  }
  await close()
})
