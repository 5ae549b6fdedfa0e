/** A user's sessions while others sign in and out (L-10 to L-12, R8, R16). */
import { describe, expect, it } from 'vitest'
import { createSessions, type Sessions, type SessionStore } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { all, secret, stored, type Setup } from '../support/backends.ts'
import { engines } from '../support/engines.ts'
import { Visitor } from '../support/visitor.ts'

type Any = Record<string, unknown>

const max = 5
const policies = ['end-oldest', 'refuse'] as const

async function signIn(sessions: Sessions<Any>, jar?: Visitor['jar']): Promise<{ visitor: Visitor; refused: boolean }> {
  const visitor = new Visitor(sessions, jar)
  const refused = await visitor
    .visit((session) => session.signIn('ada'))
    .then(
      () => false,
      (error: { code?: string }) => {
        if (error.code !== 'too_many_sessions') throw error
        return true
      },
    )
  return { visitor, refused }
}

/** How many sessions the user has after each put. */
function countsAfterPuts(store: SessionStore): number[] {
  const counts: number[] = []
  const { put } = store
  store.put = async (...args) => {
    const version = await put(...args)
    counts.push((await store.idsOf?.('ada'))?.length ?? -1)
    return version
  }
  return counts
}

describe.each(stored)('L-12 on $name', (backend) => {
  const full = async (whenFull: (typeof policies)[number]): Promise<Setup> => {
    const setup = backend.setup({ maxPerUser: { max, whenFull } })
    for (let i = 0; i < max; i++) {
      await signIn(setup.sessions)
      setup.advance(1)
    }
    return setup
  }

  it.each(policies)('L-12 fifty logins at once in one process: never more than the limit (%s)', async (whenFull) => {
    const { sessions, store, close } = backend.setup({ maxPerUser: { max, whenFull } })
    if (store === null) throw new Error('this backend has a store')
    const counts = countsAfterPuts(store)
    const logins = await Promise.all(Array.from({ length: 50 }, () => signIn(sessions)))
    expect(Math.max(...counts)).toBe(max)
    expect(await sessions.list('ada')).toHaveLength(max)
    expect(logins.filter(({ refused }) => refused)).toHaveLength(whenFull === 'refuse' ? 50 - max : 0)
    await close()
  })

  it.each(policies)('L-12 two logins at once with the same anonymous ticket count as two (%s)', async (whenFull) => {
    const { sessions, store, close } = backend.setup({ maxPerUser: { max: 1, whenFull } })
    if (store === null) throw new Error('this backend has a store')
    const visitor = new Visitor(sessions)
    await visitor.visit((session) => session.set('a', 1))
    const counts = countsAfterPuts(store)
    const logins = await Promise.all([signIn(sessions, visitor.jar), signIn(sessions, visitor.jar)])
    expect(Math.max(...counts)).toBe(1)
    expect(await sessions.list('ada')).toHaveLength(1)
    expect(logins.filter(({ refused }) => refused)).toHaveLength(whenFull === 'refuse' ? 1 : 0)
    await close()
  })

  it.each(policies)('L-12 fifty logins at once over two engines: never more than the limit remain (%s)', async (whenFull) => {
    const { sessions, again, close } = backend.setup({ maxPerUser: { max, whenFull } })
    const both = [sessions, again()] as const
    const logins = await Promise.all(Array.from({ length: 50 }, (_, i) => signIn(both[i % 2 === 0 ? 0 : 1])))
    const alive = await sessions.list('ada')
    expect(alive.length).toBeLessThanOrEqual(max)
    if (whenFull === 'end-oldest') expect(alive).toHaveLength(max)
    const opened = await Promise.all(
      logins.map(async ({ visitor: { cookie }, refused }) => !refused && (await sessions.peek(cookie)) !== null),
    )
    expect(opened.filter(Boolean)).toHaveLength(alive.length)
    await close()
  })

  it('L-12 the session signed in longest ago makes room, and signing in again takes no more of it', async () => {
    const { sessions, close } = await full('end-oldest')
    const before = (await sessions.list('ada')).toSorted((a, b) => a.signedInAt - b.signedInAt).map(({ id }) => id)
    const { visitor } = await signIn(sessions)
    const after = new Set((await sessions.list('ada')).map(({ id }) => id))
    expect(before.filter((id) => !after.has(id))).toEqual([before[0]])
    await visitor.visit((session) => session.signIn('ada'))
    expect(await sessions.list('ada')).toHaveLength(max)
    await close()
  })

  it('L-12 when full and refusing, the sign-in fails, nothing is changed, and who is signed in may do so again', async () => {
    const { sessions, close } = await full('refuse')
    const visitor = new Visitor(sessions)
    await visitor.visit((session) => session.set('cart', 1))
    expect((await signIn(sessions, visitor.jar)).refused).toBe(true)
    expect((await visitor.visit((session) => [session.user, session.get('cart')])).result).toEqual([null, 1])
    const [one] = await sessions.list('ada')
    await sessions.revoke(one?.id ?? '')
    const { visitor: again, refused } = await signIn(sessions, visitor.jar)
    expect(refused).toBe(false)
    expect((await signIn(sessions, again.jar)).refused).toBe(false)
    await close()
  })

  it('R8 L-11 a thousand sessions of one user are listed and ended, and the index keeps none', async () => {
    const { sessions, store, close } = backend.setup()
    const visitors = Array.from({ length: 1_000 }, () => new Visitor(sessions))
    await Promise.all(visitors.map((visitor) => visitor.visit((session) => session.signIn('ada'))))
    expect(await sessions.list('ada')).toHaveLength(1_000)
    const [kept] = visitors
    const { result: except } = await (kept as Visitor).visit((session) => session.id)
    expect(await sessions.revokeUser('ada', { except })).toBe(999)
    expect(await store?.idsOf?.('ada')).toEqual([except])
    expect(await sessions.revokeUser('ada')).toBe(1)
    expect(await store?.idsOf?.('ada')).toEqual([])
    await close()
  })

  it('L-10 of logins before, during and after a revokeUser: none before survives, each after does', async () => {
    const { sessions, again, close } = backend.setup()
    const other = again()
    const before = await Promise.all(Array.from({ length: 20 }, () => signIn(other)))
    const revoking = sessions.revokeUser('ada')
    const during = Array.from({ length: 20 }, () => signIn(other))
    await revoking
    const after = await Promise.all(Array.from({ length: 20 }, () => signIn(other)))
    await Promise.all(during)
    const alive = async (logins: typeof before): Promise<number> =>
      (await Promise.all(logins.map(({ visitor }) => other.peek(visitor.cookie)))).filter((session) => session !== null).length
    expect([await alive(before), await alive(after)]).toEqual([0, 20])
    await close()
  })
})

describe('L-10 whoever ends sessions', () => {
  it.each<[string, number, object]>([
    ['has a clock that is behind', -10 * 60_000, {}],
    ['has a clock that is ahead', 21 * 86_400_000, {}],
    ['was set up with shorter lifetimes', 0, { lifetime: {} }],
  ])('L-10 L-07 %s: what is over by his clock or options alone ends for all', async (_, aheadMs, options) => {
    const { one, again, store, advance } = engines({ lifetime: { idle: '20d', absolute: '30d' } })
    const [{ visitor: first }, { visitor: second }] = [await signIn(one), await signIn(one)]
    const { result: id } = await first.visit((session) => session.id)
    const laterMs = aheadMs < 0 ? 0 : 2 * 86_400_000
    advance(laterMs)
    const admin = again({ clock: () => 1_800_000_000_000 + laterMs + aheadMs, ...options })
    await admin.revoke(id)
    expect([await one.peek(first.cookie), (await one.peek(second.cookie))?.user]).toEqual([null, 'ada'])
    await admin.revokeUser('ada')
    expect([await one.peek(second.cookie), await store.idsOf?.('ada')]).toEqual([null, []])
  })

  it.each(['get', 'getNow', 'getMany'] as const)(
    'L-10 D-09 more sessions than calls that may wait are listed and ended (%s)',
    async (read) => {
      const { get, put, delete: remove, idsOf, getNow, guarantees } = memoryStore()
      const getMany = (ids: readonly string[]): Promise<unknown> => Promise.all(ids.map((id) => get(id)))
      const reads = { get: {}, getNow: { getNow }, getMany: { getMany } }[read]
      const store = { get, put, delete: remove, idsOf, guarantees, ...reads } as SessionStore
      const sessions = createSessions<Any>({ secret, store, storeCallsMax: 20 })
      for (let i = 0; i < 60; i++) await signIn(sessions)
      expect(await sessions.list('ada')).toHaveLength(60)
      expect(await sessions.revokeUser('ada')).toBe(60)
      expect(await sessions.list('ada')).toEqual([])
      await sessions.close()
    },
  )
})

describe('L-10 whoever is written to while its user is revoked', () => {
  it.each(['before', 'after'] as const)('L-10 R1 dies, if the write comes %s the end', async (when) => {
    const { one, two, store } = engines()
    const { visitor } = await signIn(one)
    const slow = await visitor.clone().begin()
    slow.session.set('a', 1)
    const hold = when === 'after' ? store.hold('put', 'before') : store.hold('delete', 'before')
    const [revoking, saving] = when === 'after' ? [null, slow.finish()] : [two.revokeUser('ada'), null]
    await hold.reached
    const outcome = saving === null ? (await slow.finish()).outcome : null
    if (revoking === null) await two.revokeUser('ada')
    hold.release()
    expect(outcome ?? (await saving)?.outcome).toBe(when === 'after' ? 'gone' : 'stored')
    await revoking
    expect([await two.list('ada'), await one.peek(visitor.cookie)]).toEqual([[], null])
  })

  it('L-10 a sign-in that was under way is given a session, and the revoked one stays dead', async () => {
    const { one, two, store } = engines()
    const { visitor } = await signIn(one)
    const before = visitor.clone()
    const slow = await visitor.begin()
    const put = store.hold('put', 'before')
    slow.session.signIn('ada')
    const saving = slow.finish()
    await put.reached
    await two.revokeUser('ada')
    put.release()
    expect((await saving).outcome).toBe('stored')
    expect(await one.peek(before.cookie)).toBeNull()
    expect((await two.list('ada')).map(({ id }) => id)).toEqual([slow.session.id])
  })
})

describe.each(all.filter(({ carrier }) => carrier !== 'sealed'))('R16 on $name', (backend) => {
  it('R16 F-20 an id that is taken is never overwritten: another is drawn, and the first session keeps its data', async () => {
    let draws = 0
    const random = (size: number): Uint8Array => new Uint8Array(size).fill(size === 18 ? Math.floor(draws++ / 2) : ++draws)
    const { sessions, close } = backend.setup({ random })
    const visitors = [new Visitor(sessions), new Visitor(sessions)]
    for (const [i, visitor] of visitors.entries()) await visitor.visit((session) => (session.signIn(`user-${i}`), session.set('mine', i)))
    const ids = await Promise.all(visitors.map((visitor) => visitor.visit((session) => [session.id, session.user, session.get('mine')])))
    expect(ids.map(({ result }) => result.slice(1))).toEqual([
      ['user-0', 0],
      ['user-1', 1],
    ])
    await close()
  })
})
