import { hash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createSessions, type OldTicket, type SessionEvent, type Sessions, type SessionsOptions } from '../../src/index.ts'
import { readerOf } from '../../src/migrate/common/reader.ts'
import { failingStore } from '../../src/testing/failing-store.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { counted, secret } from '../support/backends.ts'
import { hurried } from '../support/hurried.ts'
import { oldSystem, type OldSystem } from '../support/old-system.ts'
import { Visitor } from '../support/visitor.ts'

type Any = Record<string, unknown>

const graceMs = 30_000

function house(old: OldSystem, options: Partial<SessionsOptions<Any>> = {}) {
  let nowMs = 1_800_000_000_000
  const events: SessionEvent[] = []
  const store = counted(memoryStore({ clock: () => nowMs }))
  const make = (more: Partial<SessionsOptions<Any>> = {}): Sessions<Any> =>
    createSessions<Any>({
      secret,
      store,
      clock: () => nowMs,
      ...hurried,
      moveIn: [old.reader],
      onEvent: (event) => events.push(event),
      ...options,
      ...more,
    })
  const sessions = make()
  const visitor = (engine = sessions): Visitor => new Visitor(engine, new Map([['old', 'a.good']]))
  return { sessions, make, store, events, visitor, advance: (ms: number) => void (nowMs += ms) }
}

describe('who arrives with an old cookie', () => {
  test('X-01 where our tickets travel in a header, a page of another site gets nothing for an old cookie', async () => {
    const old = oldSystem({ user: 'ada' })
    const { sessions, store, events } = house(old, { transport: { header: 'x-session' } })
    const arrives = async (headers: Record<string, string>, method = 'POST'): Promise<string | null> => {
      const all: Record<string, string> = { cookie: 'old=a.good', host: 'shop.example', ...headers }
      const visit = sessions.visit({ method, header: (name) => all[name] })
      const { user } = await visit.session()
      await visit.commit()
      return user
    }
    expect(await arrives({ 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' })).toBe(null)
    expect(await arrives({ origin: 'https://evil.example' })).toBe(null)
    expect([store.calls, old.loads]).toEqual([[], []])
    expect(events.map((event) => ('why' in event ? event.why : event.type))).toEqual(['csrf', 'csrf'])
    expect(await arrives({ 'sec-fetch-site': 'cross-site', origin: 'https://evil.example', cookie: 'theirs=1' })).toBe(null)
    expect(await arrives({ 'sec-fetch-site': 'same-origin', origin: 'https://shop.example' })).toBe('ada')
    const other = house(oldSystem({ user: 'ada' }), { transport: { header: 'x-session' }, csrf: 'unsafe-off' })
    const visit = other.sessions.visit({ method: 'POST', header: (name) => (name === 'cookie' ? 'old=a.good' : undefined) })
    expect((await visit.session()).user).toBe('ada')
  })

  test('S3.4 has the data, a ticket, and no old cookie any more; the old session is ended', async () => {
    const old = oldSystem({ user: 'ada' })
    const { visitor, events, sessions } = house(old)
    const ada = visitor()
    const { result, outgoing } = await ada.visit((session) => [session.isNew, session.user, session.get('n'), session.get('cart')])
    expect(result).toEqual([false, 'ada', 1, ['hat']])
    expect(outgoing.setCookies).toHaveLength(2)
    expect([...ada.jar.keys()]).toEqual(['__Host-session'])
    expect((await ada.visit((session) => session.get('n'))).result).toBe(1)
    expect(old.ended).toEqual(['a'])
    expect(events.filter(({ type }) => type === 'moved_in')).toMatchObject([{ system: 'old', user: 'ada' }])
    expect(sessions.moveInCounts()).toEqual([{ system: 'old', moved: 1, replayed: 0, refused: 0 }])
    expect(await sessions.list('ada')).toHaveLength(1)
  })

  test('L-13 when somebody signed in who moved in is not known: not at the moment of moving', async () => {
    const { visitor, sessions } = house(oldSystem({ user: 'ada' }))
    const ada = visitor()
    expect((await ada.visit((session) => [session.user, session.signedInAt])).result).toEqual(['ada', null])
    expect((await ada.visit((session) => (session.signIn('ada'), session.signedInAt))).result).toBe(1_800_000_000_000)
    expect(await sessions.list('ada')).toHaveLength(1)
  })

  test.each([1, 2])('M-04 twenty requests at once, on %i engines: one session, and each sees it', async (engines) => {
    const old = oldSystem()
    const { make, visitor, sessions } = house(old)
    const all = Array.from({ length: engines }, () => make())
    const requests = Array.from({ length: 20 }, (_, i) => visitor(all[i % engines]))
    const visits = await Promise.all(requests.map((one) => one.visit((session) => (session.update('n', (n) => Number(n) + 1), session.id))))
    expect(new Set(visits.map(({ result }) => result)).size).toBe(1)
    expect(visits.filter(({ outgoing }) => outgoing.setCookies.length > 0)).toHaveLength(1)
    const winner = requests.find(({ jar }) => jar.has('__Host-session'))
    expect((await new Visitor(sessions, winner?.jar).visit((session) => session.get('n'))).result).toBe(21)
    expect(old.ended).toEqual(['a'])
  })

  test('M-03 once the ticket has been used the old cookie opens nothing, nor after the logout, nor after the session has ended', async () => {
    const { visitor, advance, events } = house(oldSystem(), { lifetime: { idle: '1h', absolute: '10h' } })
    const ada = visitor()
    await ada.visit((session) => session.get('n'))
    await ada.visit((session) => session.get('n'))
    const replay = async (): Promise<boolean> => (await visitor().visit((session) => session.isNew)).result
    expect(await replay()).toBe(true)
    await ada.visit((session) => session.destroy())
    expect(await replay()).toBe(true)
    advance(30 * 86_400_000)
    expect(await replay()).toBe(true)
    expect(events.filter((event) => event.type === 'rejected').map(({ why }) => why)).toContain('moved')
  })

  test('M-03 a logout within the very request that moved it is final', async () => {
    const { visitor } = house(oldSystem())
    const { outgoing } = await visitor().visit((session) => session.destroy())
    expect(outgoing.setCookies.every((line) => line.includes('Max-Age=0'))).toBe(true)
    expect((await visitor().visit((session) => session.isNew)).result).toBe(true)
  })

  test('L-15 a lost response locks nobody out: the old cookie works until the ticket was seen, and gets a new one after the grace', async () => {
    const { visitor, advance } = house(oldSystem())
    await visitor().visit((session) => session.set('n', 2))
    const again = visitor()
    expect((await again.visit((session) => session.get('n'))).result).toBe(2)
    expect(again.jar.has('__Host-session')).toBe(false)
    advance(graceMs + 1)
    expect((await again.visit((session) => session.get('n'))).result).toBe(2)
    expect([...again.jar.keys()]).toEqual(['__Host-session'])
  })

  test('T-07 stays moved when the secret of the server changes', async () => {
    const { make, visitor } = house(oldSystem())
    const ada = visitor()
    await ada.visit((session) => session.get('n'))
    await ada.visit((session) => session.destroy())
    const renewed = make({ secret: ['a newer secret, also longer than 32 bytes', secret] })
    expect((await visitor(renewed).visit((session) => session.isNew)).result).toBe(true)
  })

  test('S0.1 peek reads it and moves nothing', async () => {
    const old = oldSystem()
    const { sessions, store, visitor } = house(old)
    const session = await sessions.peek('old=a.good')
    expect(session?.get('n')).toBe(1)
    expect(() => session?.set('n', 2)).toThrow(/read/)
    expect(store.calls.filter((call) => call === 'put')).toEqual([])
    expect((await visitor().visit((one) => one.get('n'))).result).toBe(1)
  })

  test('M-06 with keepOld the old session and its cookie stay', async () => {
    const old = oldSystem({ keepOld: true })
    const ada = house(old).visitor()
    await ada.visit((session) => session.get('n'))
    expect([...ada.jar.keys()]).toEqual(['old', '__Host-session'])
    expect(old.ended).toEqual([])
  })
})

describe('nobody moves in', () => {
  test('M-01 with a cookie that is not genuine: one event, no store call', async () => {
    const old = oldSystem()
    const { sessions, store, events } = house(old)
    const { result } = await new Visitor(sessions, new Map([['old', 'a.bad']])).visit((session) => session.isNew)
    expect(result).toBe(true)
    expect([store.calls, old.loads]).toEqual([[], []])
    expect(events).toEqual([{ type: 'rejected', name: 'session', why: 'foreign', id: null }])
  })

  test('after the sunset, and nothing is read', async () => {
    const old = oldSystem({ sunsetAt: 1_800_000_000_000 })
    const { visitor, advance, store } = house(old)
    advance(1)
    expect((await visitor().visit((session) => session.isNew)).result).toBe(true)
    expect([store.calls, old.loads]).toEqual([[], []])
  })

  test('whose session is over in the old store', async () => {
    const old = oldSystem()
    old.rows.clear()
    const { visitor, store } = house(old)
    expect((await visitor().visit((session) => session.isNew)).result).toBe(true)
    expect(store.calls).not.toContain('put')
  })

  test('whose data cannot be kept', async () => {
    const old = oldSystem()
    old.rows.set('a', { big: 'x'.repeat(70_000) })
    const { visitor, events } = house(old)
    expect((await visitor().visit((session) => session.isNew)).result).toBe(true)
    expect(events).toMatchObject([{ why: 'unreadable' }, { why: 'foreign' }])
  })

  test('while the old store is down: an error, and neither signed in nor anonymous', async () => {
    const old = oldSystem()
    const { visitor } = house(old)
    old.down = true
    await expect(visitor().visit((session) => session.isNew)).rejects.toMatchObject({ code: 'store_unavailable' })
    old.down = false
    expect((await visitor().visit((session) => session.get('n'))).result).toBe(1)
  })

  test('while our store fails at the last step; at the next request it is moved after all', async () => {
    const flaky = failingStore(memoryStore())
    const { visitor } = house(oldSystem(), { store: flaky.store })
    const ada = visitor()
    const { put } = flaky.store
    let puts = 0
    Object.assign(flaky.store, {
      put: (...args: Parameters<typeof put>) => (++puts === 2 ? Promise.reject(new Error('gone')) : put(...args)),
    })
    await expect(ada.visit((session) => session.isNew)).rejects.toMatchObject({ code: 'store_unavailable' })
    expect((await ada.visit((session) => session.get('n'))).result).toBe(1)
  })
})

describe('in bulk', () => {
  function stored(count: number): OldSystem {
    const old = oldSystem({ user: 'ada', expiresAt: 1_800_000_000_000 + 5 * 3_600_000 })
    old.rows.clear()
    for (let i = 0; i < count; i++) old.rows.set(`s${i}`, { n: i })
    return old
  }

  test('S3.4 a store is moved page by page, once; who comes later finds his session and is given a ticket', async () => {
    const old = stored(5)
    const { sessions, advance } = house(old, { lifetime: { idle: '1h', absolute: '24h' } })
    const dry = await sessions.moveInPage('old', { limit: 10, dryRun: true })
    expect(dry).toEqual({ cursor: null, moved: 5, known: 0, refused: 0, refusals: [], total: 5 })
    const first = await sessions.moveInPage('old', { limit: 3 })
    expect(first).toEqual({ cursor: '3', moved: 3, known: 0, refused: 0, refusals: [], total: 5 })
    const second = await sessions.moveInPage('old', { limit: 3, cursor: first.cursor })
    expect(second).toEqual({ cursor: null, moved: 2, known: 0, refused: 0, refusals: [] })
    expect(await sessions.moveInPage('old')).toMatchObject({ cursor: null, moved: 0, known: 5, refused: 0 })
    // Where it comes from it would still be alive, and nobody has used it with us yet.
    advance(4 * 3_600_000)
    const late = new Visitor(sessions, new Map([['old', 's1.good']]))
    expect((await late.visit((session) => session.get('n'))).result).toBe(1)
    expect([...late.jar.keys()]).toEqual(['__Host-session'])
    expect(old.ended).toEqual([])
    advance(2 * 3_600_000)
    expect((await new Visitor(sessions, new Map([['old', 's2.good']])).visit((session) => session.isNew)).result).toBe(true)
  })

  test('who has moved by himself is known, and what cannot be kept is refused', async () => {
    const old = stored(2)
    old.rows.set('big', { big: 'x'.repeat(70_000) })
    const { sessions } = house(old)
    await new Visitor(sessions, new Map([['old', 's0.good']])).visit((session) => session.get('n'))
    const refusals = [{ identity: hash('sha256', 'big', 'hex'), why: 'session_too_large' }]
    expect(await sessions.moveInPage('old')).toMatchObject({ cursor: null, moved: 1, known: 0, refused: 1, refusals })
  })

  test('each that is refused says why, and one that its own application cannot map keeps no other', async () => {
    const old = stored(0)
    const whys = ['over', 'unreadable', 'strange_id', 'unwanted', 'map_failed'] as const
    const tickets: OldTicket[] = whys.map((why) => ({
      identity: why,
      load(because) {
        if (why !== 'over') because?.(why)
        if (why === 'map_failed') throw new TypeError('of the application')
        return null
      },
    }))
    tickets.push({ identity: 'function', load: () => ({ values: { f: () => 1 }, expiresAt: null }) })
    tickets.push({ identity: 'good', load: () => ({ values: { n: 1 }, expiresAt: null }) })
    const reader = { ...old.reader, walk: async () => ({ tickets, cursor: null }) }
    const page = await house(old, { moveIn: [reader] }).sessions.moveInPage('old')
    expect(page).toMatchObject({ moved: 1, known: 0, refused: 6 })
    const expected = [...whys.map((why) => [why, why]), ['function', 'value_invalid']]
    const named = expected.map(([id, why]) => ({ identity: hash('sha256', id ?? '', 'hex'), why }))
    expect(page.refusals.toSorted((a, b) => (a.identity < b.identity ? -1 : 1))).toEqual(
      named.toSorted((a, b) => (a.identity < b.identity ? -1 : 1)),
    )
  })

  test('a reader of the old system says what map would not have, or could not', async () => {
    const walk = async () => ({ tickets: [{ identity: 'x', load: () => ({ values: {}, expiresAt: null }) }], cursor: null })
    const whyOf = async (map: () => never | null) => {
      const reader = readerOf('fromOld', { map }, { system: 'old', cookieName: 'old', verify: () => null, walk, count: async () => 1 })
      const page = await house(oldSystem(), { moveIn: [reader] }).sessions.moveInPage('old')
      return [page.total, page.refusals[0]?.why]
    }
    const uncounted = { ...stored(2).reader, count: async () => Promise.reject(new Error('not allowed')) }
    expect((await house(oldSystem(), { moveIn: [uncounted] }).sessions.moveInPage('old')).total).toBeUndefined()
    expect(await whyOf(() => null)).toEqual([1, 'unwanted'])
    expect(await whyOf(() => expect.fail('of the application'))).toEqual([1, 'map_failed'])
  })

  test('when the old store fails nothing more is begun, and what was under way is done', async () => {
    const old = stored(100)
    const { sessions } = house(old)
    const { get } = old.rows
    // Once only: it is not the other failures that end the page.
    old.rows.get = (id) => (old.loads.length === 20 ? expect.fail('connection lost') : get.call(old.rows, id))
    await expect(sessions.moveInPage('old')).rejects.toThrow('connection lost')
    expect(old.loads.length).toBeLessThan(50)
    old.rows.get = get
    const { moved, known, refused } = await sessions.moveInPage('old')
    expect([moved + known, refused]).toEqual([100, 0])
    expect(known).toBeGreaterThan(15)
  })

  test('a system without a store says so', async () => {
    const { walk: _walk, ...reader } = oldSystem().reader
    const sessions = createSessions<Any>({ secret, store: memoryStore(), moveIn: [reader] })
    await expect(sessions.moveInPage('old')).rejects.toMatchObject({ code: 'unsupported' })
    await expect(sessions.moveInPage('older')).rejects.toMatchObject({ code: 'unsupported' })
    await expect(createSessions<Any>({ secret, store: memoryStore() }).moveInPage('old')).rejects.toMatchObject({ code: 'unsupported' })
  })
})

test('S3.7 ten readers cost a visitor with a ticket nothing, and one without any cookie nothing', async () => {
  const olds = Array.from({ length: 10 }, (_, i) => oldSystem({ cookieName: `old${i}` }))
  let verified = 0
  const readers = olds.map(({ reader }) => ({
    ...reader,
    verify: (...args: Parameters<typeof reader.verify>) => (verified++, reader.verify(...args)),
  }))
  const store = counted(memoryStore())
  const sessions = createSessions<Any>({ secret, store, moveIn: readers })
  const visitor = new Visitor(sessions, new Map([['other', 'x']]))
  await visitor.visit((session) => session.set('n', 1))
  await visitor.visit((session) => session.get('n'))
  expect(verified).toBe(0)
  expect(store.calls).toEqual(['put', 'get'])
})

test.each([
  ['no array', { moveIn: oldSystem().reader }, /array of readers/],
  ['something else', { moveIn: [{}] }, /array of readers/],
  ['two for one cookie', { moveIn: [oldSystem().reader, oldSystem().reader] }, /exactly one/],
  ['no store', { moveIn: [oldSystem().reader], store: undefined, carrier: 'sealed', irrevocable: true }, /needs a store/],
])('config_invalid: %s', (_what, options, message) => {
  expect(() => createSessions({ secret, store: memoryStore(), ...options } as never)).toThrow(message)
})
