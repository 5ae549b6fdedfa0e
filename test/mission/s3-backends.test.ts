import { describe, expect, it } from 'vitest'
import { createSessions, type SessionStore } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { all, memory, sealed, secret, spill, sqlite, stored } from '../support/backends.ts'
import { Visitor } from '../support/visitor.ts'

describe.each(all)('S3 on $name', (backend) => {
  it('S3.2 C-07 D-03 payloads are stored and read back, or refused before headers; no Set-Cookie over 4,096 bytes', async () => {
    for (const bytes of [3_000, 3_020, 12_000, 60_000, 1_000_001]) {
      const { sessions, close } = backend.setup()
      const visitor = new Visitor(sessions)
      const text = 'x'.repeat(bytes)
      const { session, finish } = await visitor.begin()
      session.set('payload', text)
      const outgoing = await finish().catch((error: { code: string }) => error.code)
      if (typeof outgoing === 'string') {
        expect(outgoing).toBe(backend === sealed ? 'cookie_too_large' : 'session_too_large')
        expect(backend === sealed || bytes > 65_536).toBe(true)
        expect(visitor.jar.size).toBe(0)
      } else {
        for (const cookie of outgoing.setCookies) expect(Buffer.byteLength(cookie)).toBeLessThanOrEqual(4_096)
        expect((await visitor.visit((session) => session.get('payload'))).result).toBe(text)
      }
      await close()
    }
  })

  it('S3.5 a persistent cookie carries Max-Age and Expires, and they agree; otherwise neither', async () => {
    for (const persistent of [true, false]) {
      const { sessions, now, close } = backend.setup({ lifetime: { idle: '1h', absolute: '7d', persistent } })
      const { outgoing } = await new Visitor(sessions).visit((session) => session.set('a', 1))
      const cookie = outgoing.setCookies[0] ?? ''
      const maxAge = /; Max-Age=(\d+)/.exec(cookie)?.[1]
      const expires = /; Expires=([^;]+)/.exec(cookie)?.[1]
      expect([maxAge !== undefined, expires !== undefined]).toEqual([persistent, persistent])
      if (persistent) expect(Date.parse(expires ?? '')).toBe(now() + Number(maxAge) * 1_000)
      await close()
    }
  })

  it('S3.9 a flash message is read exactly once', async () => {
    const { sessions, close } = backend.setup()
    const visitor = new Visitor(sessions)
    await visitor.visit((session) => session.flash('saved', 'success'))
    expect((await visitor.visit((session) => session.flashes())).result).toEqual([{ message: 'saved', level: 'success' }])
    expect((await visitor.visit((session) => session.flashes())).result).toEqual([])
    await close()
  })

  it('S3.10 a response of 5xx stores nothing', async () => {
    const { sessions, close } = backend.setup()
    const visitor = new Visitor(sessions)
    await visitor.visit((session) => session.set('a', 1))
    const { outgoing } = await visitor.visit((session) => session.set('a', 2).signIn('ada'), { status: 500 })
    expect(outgoing).toMatchObject({ outcome: 'discarded', setCookies: [] })
    expect((await visitor.visit((session) => [session.get('a'), session.user])).result).toEqual([1, null])
    await close()
  })
})

describe.each(stored)('S3 on $name', (backend) => {
  it('S3.9 two parallel readers of one flash and one taken value: exactly one gets each', async () => {
    const { sessions, again, close } = backend.setup()
    const visitor = new Visitor(sessions)
    await visitor.visit((session) => {
      session.flash('once')
      session.set('state', 'x')
    })
    const other = new Visitor(again(), visitor.jar)
    const begun = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? visitor : other).begin()))
    const got = await Promise.all(begun.map(async ({ session }) => [await session.flashes(), await session.take('state')]))
    expect(got.flatMap(([flashes]) => flashes)).toEqual([{ message: 'once', level: 'info' }])
    expect(got.map(([, state]) => state).filter((state) => state !== undefined)).toEqual(['x'])
    await Promise.all(begun.map(({ finish }) => finish()))
    expect((await visitor.visit((session) => session.has('state'))).result).toBe(false)
    await close()
  })
})

it('S3.1 several named sessions on several backends in one application', async () => {
  const store = memoryStore()
  const sessions = createSessions({
    secret,
    stores: { auth: store, prefs: { carrier: 'sealed', irrevocable: true, lifetime: { absolute: '30d', persistent: true } } },
  })
  const visitor = new Visitor(sessions)
  const auth = await visitor.visit((session) => session.signIn('ada'), { name: 'auth' })
  const prefs = await visitor.visit((session) => session.set('theme', 'dark'), { name: 'prefs' })
  expect(auth.outgoing.setCookies[0]).toMatch(/^__Host-auth=t1/)
  expect(prefs.outgoing.setCookies[0]).toMatch(/^__Host-prefs=s1.*Max-Age=/)
  const visit = sessions.visit({ method: 'GET', header: (name) => (name === 'cookie' ? visitor.cookie : undefined) })
  expect([(await visit.session('auth')).user, (await visit.session('prefs')).get('theme')]).toEqual(['ada', 'dark'])
  expect(await visit.session()).toBe(await visit.session('auth'))
  await expect(visit.session('other')).rejects.toMatchObject({ code: 'config_invalid' })
  expect(() => createSessions({ secret, stores: { a: store, b: { store, cookie: { name: '__Host-a' } } } })).toThrowError(
    /share the cookie/,
  )
  await sessions.close()
})

it('S3.3 C L-04 grown past the cookie, the data moves to the store; an older cookie replayed after that is refused', async () => {
  const { sessions, store, close } = spill.setup()
  const visitor = new Visitor(sessions)
  await visitor.visit((session) => session.set('cart', ['hat']))
  expect(visitor.cookie).toMatch(/=s1/)
  expect(store?.calls).toEqual([])
  const old = visitor.clone()
  await visitor.visit((session) => void (session.get('cart') as string[]).push('x'.repeat(5_000)))
  expect(visitor.cookie).toMatch(/=t1/)
  expect((await visitor.visit((session) => (session.get('cart') as string[]).length)).result).toBe(2)
  expect((await old.visit((session) => [session.isNew, session.get('cart')])).result).toEqual([true, undefined])
  await close()
})

it('S3.3 R-01 requests under way while the data moves lose nothing', async () => {
  const { sessions, close } = spill.setup()
  const visitor = new Visitor(sessions)
  await visitor.visit((session) => session.set('n', 0))
  const begun = await Promise.all(Array.from({ length: 10 }, () => visitor.begin()))
  begun.forEach(({ session }, i) => {
    session.set(`big${i}`, 'x'.repeat(4_500))
    session.update('n', (n) => (n as number) + 1)
  })
  const outcomes = await Promise.all(begun.map(({ finish }) => finish()))
  expect(outcomes.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 10 }, () => 'stored'))
  expect(outcomes.filter(({ setCookies }) => setCookies.length > 0)).toHaveLength(1)
  expect((await visitor.visit((session) => [session.get('n'), session.size])).result).toEqual([10, 11])
  await close()
})

it('S3.6 L-03 L-04 a spilled or small session that was destroyed stays dead for every copy of its cookies', async () => {
  for (const bytes of [10, 5_000]) {
    const { sessions, close } = spill.setup()
    const visitor = new Visitor(sessions)
    await visitor.visit((session) => session.set('a', 'small'))
    const copies = [visitor.clone()]
    await visitor.visit((session) => session.set('a', 'x'.repeat(bytes)))
    copies.push(visitor.clone())
    expect((await visitor.visit((session) => session.destroy())).outgoing.outcome).toBe('erased')
    for (const copy of copies) expect((await copy.visit((session) => session.isNew)).result).toBe(true)
    await close()
  }
})

it('L-04 L-07 a copy sealed by a clock that is ahead stays dead as well, when the store has been swept', async () => {
  const life = 3_600_000
  const { sessions, store, again, advance, now, close } = spill.setup({ lifetime: { idle: life, absolute: life } })
  const ahead = new Visitor(again({ clock: () => now() + 4 * 60_000 }))
  await ahead.visit((session) => session.set('a', 1))
  const [here, copy] = [new Visitor(sessions, ahead.jar), new Visitor(sessions, ahead.jar)]
  expect((await here.visit((session) => session.destroy())).outgoing.outcome).toBe('erased')
  advance(life + 60_000)
  await store?.sweep?.(now(), 100)
  expect((await copy.visit((session) => session.isNew)).result).toBe(true)
  await close()
})

it('L-04 L-07 a copy sealed by a clock that is ahead is not believed without asking the store', async () => {
  for (const trust of [0, 60_000]) {
    const { sessions, again, now, close } = spill.setup({ trust, lifetime: { idle: '10h' } })
    const visitor = new Visitor(sessions)
    await visitor.visit((session) => session.set('a', 1))
    const ahead = new Visitor(again({ clock: () => now() + 2 * 3_600_000 }), visitor.jar)
    await ahead.visit((session) => session.set('a', 2))
    const [here, copy] = [new Visitor(sessions, ahead.jar), new Visitor(sessions, ahead.jar)]
    expect((await here.visit((session) => (session.destroy(), session.isNew))).result).toBe(false)
    expect((await copy.visit((session) => session.isNew)).result).toBe(true)
    await close()
  }
})

it('S3.3 L-04 whoever ends a spilled session in a store that other sessions use too leaves its copies dead', async () => {
  const { store, sessions, again, close } = spill.setup()
  const visitor = new Visitor(sessions)
  await visitor.visit((session) => session.set('cart', 1))
  const copy = visitor.clone()
  const { result: id } = await visitor.visit((session) => (session.signIn('ada'), session.id))
  const shared = store as SessionStore
  const both = again({
    store: undefined,
    stores: { auth: { store: shared, carrier: 'stored' }, session: { store: shared } },
    carrier: 'spill',
  } as object)
  expect(await both.revoke(id, 'auth')).toBe(true)
  for (const one of [visitor, copy]) expect((await one.visit((session) => session.isNew)).result).toBe(true)
  await close()
})

it('S3.3 L-01 signing in moves a small session to the store, where it can be listed and revoked', async () => {
  const { sessions, close } = spill.setup()
  const visitor = new Visitor(sessions)
  await visitor.visit((session) => session.set('cart', ['hat']))
  const before = visitor.clone()
  await visitor.visit((session) => session.signIn('ada'))
  expect((await before.visit((session) => session.isNew)).result).toBe(true)
  expect((await visitor.visit((session) => [session.user, session.get('cart')])).result).toEqual(['ada', ['hat']])
  const [info] = await sessions.list('ada')
  expect(await sessions.revoke(info?.id ?? '')).toBe(true)
  expect((await visitor.visit((session) => session.isNew)).result).toBe(true)
  await close()
})

it('S3.7 after a switch of stores without moving the rows a visitor whose row is elsewhere begins anew and recovers', async () => {
  const [a, b] = [memory.setup(), sqlite.setup()]
  const visitor = new Visitor(a.sessions)
  await visitor.visit((session) => session.set('a', 1))
  const moved = new Visitor(b.sessions, visitor.jar)
  expect((await moved.visit((session) => [session.isNew, session.set('a', 2).size])).result).toEqual([true, 1])
  expect((await moved.visit((session) => session.get('a'))).result).toBe(2)
  await Promise.all([a.close(), b.close()])
})

it('S3.8 a sealed cookie reveals nothing', async () => {
  const { sessions, close } = sealed.setup()
  const visitor = new Visitor(sessions)
  await visitor.visit((session) => session.set('secret-key', 'secret-value'))
  const raw = Buffer.from(visitor.cookie.split('=')[1] ?? '', 'base64url').toString('latin1')
  expect(raw + visitor.cookie).not.toMatch(/secret/)
  const lengths = new Set<string>()
  for (let i = 0; i < 20; i++) lengths.add((await visitor.visit((session) => session.set('n', i)), visitor.cookie))
  expect(lengths.size).toBe(20)
  await close()
})
