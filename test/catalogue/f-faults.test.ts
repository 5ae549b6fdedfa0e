import { describe, expect, it } from 'vitest'
import { createSessions, type Session, type Sessions, type SessionsOptions } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { secret } from '../support/backends.ts'
import { faulty, manualTimers } from '../support/faults.ts'
import { cookieName, listener, request } from '../support/raw.ts'
import { Visitor } from '../support/visitor.ts'

type Options = SessionsOptions<Record<string, unknown>>
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const unavailable = { code: 'store_unavailable', status: 503 }
const carriers = ['stored', 'spill'] as const

function engine(
  carrier: (typeof carriers)[number],
  options: Partial<Options> = {},
): ReturnType<typeof faulty> & { sessions: Sessions<Record<string, unknown>> } {
  const inner = memoryStore()
  const fault = faulty({ ...inner, guarantees: { ...inner.guarantees, mayEvict: false } })
  return { ...fault, sessions: createSessions({ secret, carrier, store: fault.store, ...options }) }
}

async function signedIn(sessions: Sessions<Record<string, unknown>>): Promise<Visitor> {
  const visitor = new Visitor(sessions)
  await visitor.visit((session) => session.set('mine', 1).signIn('ada'))
  return visitor
}

describe.each(carriers)('a store that is away under %s', (carrier) => {
  it('F-02 at load: an error, nobody becomes anonymous or signed in, the cookie stays', async () => {
    const { onEvent, events } = listener()
    const { sessions, broken, store } = engine(carrier, { onEvent })
    const visitor = await signedIn(sessions)
    const before = visitor.cookie
    broken.add('get')
    await expect(visitor.visit((session) => session.set('mine', 2))).rejects.toMatchObject(unavailable)
    await expect(sessions.peek(visitor.cookie)).rejects.toMatchObject(unavailable)
    expect(events).toContainEqual({
      type: 'store_failed',
      name: 'session',
      operation: 'get',
      error: expect.objectContaining({ message: 'get: connection refused' }),
    })
    expect(visitor.cookie).toBe(before)
    store.calls.splice(0)
    expect((await request(sessions, `${cookieName}=junk`)).opened).toBe(false)
    expect(store.calls).toEqual([])
    broken.clear()
    expect((await visitor.visit((session) => [session.user, session.get('mine')])).result).toEqual(['ada', 1])
    await sessions.close()
  })

  it('F-02 with storeDown read-empty a page can be shown, and no edit is taken', async () => {
    const { sessions, broken, store } = engine(carrier, { storeDown: 'read-empty' })
    const visitor = await signedIn(sessions)
    broken.add('get')
    const shown = await visitor.visit((session) => [session.user, session.get('mine'), session.size])
    expect([shown.result, shown.outgoing]).toEqual([
      [null, undefined, 0],
      { outcome: 'untouched', setCookies: [], headers: [], vary: 'Cookie' },
    ])
    store.calls.splice(0)
    const edits: ((session: Session) => void)[] = [
      (session) => void session.set('a', 1),
      (session) => session.signIn('ada'),
      (session) => session.destroy(),
      (session) => session.rotate(),
      (session) => session.flash('x'),
      (session) => void session.update('a', () => 1),
      (session) => session.clear(),
    ]
    for (const edit of edits) await expect(visitor.visit(edit)).rejects.toMatchObject(unavailable)
    await expect(sessions.peek(visitor.cookie)).rejects.toMatchObject(unavailable)
    expect(store.calls).not.toContain('put')
    broken.clear()
    expect((await visitor.visit((session) => session.user)).result).toBe('ada')
    await sessions.close()
  })

  it('F-03 at save: an error before anything is promised, and no cookie for what was not stored', async () => {
    const { sessions, broken } = engine(carrier)
    const visitor = await signedIn(sessions)
    const before = visitor.cookie
    broken.add('put')
    const edits: ((session: Session) => void)[] = [
      (session) => void session.set('mine', 2),
      (session) => session.rotate(),
      (session) => session.signIn('ada'),
    ]
    for (const edit of edits) await expect(visitor.visit(edit)).rejects.toMatchObject(unavailable)
    await expect(new Visitor(sessions).visit((session) => session.signIn('bob'))).rejects.toMatchObject(unavailable)
    expect(visitor.cookie).toBe(before)
    const { session, finish } = await visitor.begin()
    session.rotate()
    await expect(finish()).rejects.toMatchObject(unavailable)
    expect(await finish(503)).toMatchObject({ outcome: 'discarded', setCookies: [] })
    broken.clear()
    expect((await visitor.visit((session) => [session.user, session.get('mine')])).result).toEqual(['ada', 1])
    await sessions.close()
  })

  it('F-03 at sign-out: an error, and the session lives until somebody could really end it', async () => {
    const { sessions, broken } = engine(carrier)
    const visitor = await signedIn(sessions)
    for (const operation of carrier === 'stored' ? (['delete'] as const) : (['put'] as const)) {
      broken.add(operation)
      await expect(visitor.visit((session) => session.destroy())).rejects.toMatchObject(unavailable)
      await expect(sessions.revokeUser('ada')).rejects.toMatchObject(unavailable)
      broken.clear()
    }
    expect((await visitor.visit((session) => session.user)).result).toBe('ada')
    await sessions.close()
  })

  it('F-02 at list and revoke: an error, not an empty list', async () => {
    const { sessions, broken } = engine(carrier)
    await signedIn(sessions)
    for (const operation of ['idsOf', 'get'] as const) {
      broken.add(operation)
      await expect(sessions.list('ada')).rejects.toMatchObject(unavailable)
      await expect(sessions.revokeUser('ada')).rejects.toMatchObject(unavailable)
      broken.clear()
    }
    expect(await sessions.revokeUser('ada')).toBe(1)
    await sessions.close()
  })

  it('F-02 at touch: an event, and the visitor who only read sees his page', async () => {
    let nowMs = 1_800_000_000_000
    const { onEvent, events } = listener()
    const { sessions, broken } = engine(carrier, { onEvent, clock: () => nowMs })
    const visitor = await signedIn(sessions)
    nowMs += 10 * 60_000
    broken.add('touch')
    const { result, outgoing } = await visitor.visit((session) => session.user)
    expect([result, outgoing.outcome]).toEqual(['ada', 'untouched'])
    expect(events.filter(({ type }) => type === 'store_failed')).toMatchObject([{ operation: 'touch' }])
    broken.clear()
    expect((await visitor.visit((session) => session.user)).outgoing.outcome).toBe('slid')
    await sessions.close()
  })

  it('F-04 a store that hangs is given up at the deadline, a late answer changes nothing, and the next request is served', async () => {
    const { timers, pass, armed } = manualTimers()
    const { sessions, hanging, release } = engine(carrier, { timers, storeDeadline: '2s' })
    const visitor = await signedIn(sessions)
    for (const operation of ['get', 'put'] as const) {
      hanging.add(operation)
      const ends: unknown[] = []
      const attempt = visitor
        .visit((session) => session.set('mine', 'late'))
        .then(
          () => ends.push('done'),
          (error: unknown) => ends.push(error),
        )
      await settle()
      pass(1_999)
      await settle()
      expect(ends).toEqual([])
      pass(501)
      await attempt
      expect(ends).toEqual([expect.objectContaining(unavailable)])
      release()
      await settle()
      expect((await visitor.visit((session) => session.user)).result).toBe('ada')
    }
    pass(10_000)
    await settle()
    await sessions.close()
    expect(armed()).toBe(0)
  })

  it('F-04 no more than storeCallsMax calls wait; the others are told at once', async () => {
    const { timers, pass } = manualTimers()
    const { sessions, hanging, release } = engine(carrier, { timers, storeCallsMax: 3 })
    const visitors = [await signedIn(sessions), await signedIn(sessions), await signedIn(sessions), await signedIn(sessions)]
    hanging.add('get')
    const ends = Promise.allSettled(visitors.map((visitor) => visitor.visit((session) => session.user)))
    await settle()
    pass(3_000)
    const codes = (await ends).map((end) => (end.status === 'rejected' ? (end.reason as { code: string }).code : 'served'))
    expect(codes).toEqual(['store_unavailable', 'store_unavailable', 'store_unavailable', 'store_overloaded'])
    release()
    expect((await visitors[3]?.visit((session) => session.user))?.result).toBe('ada')
    await sessions.close()
  })
})
