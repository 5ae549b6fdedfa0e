import { describe, expect, it } from 'vitest'
import { createSessions, type Session, type SessionsOptions } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { memory, secret, stored } from '../support/backends.ts'
import { faulty, manualTimers } from '../support/faults.ts'
import { holder, request, tokenOf } from '../support/raw.ts'
import { Visitor } from '../support/visitor.ts'

type Options = SessionsOptions<Record<string, unknown>>

const anything: Options['schema'] = {
  '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: value as Record<string, unknown> }) },
}

it('F-03 S3.10 when the second of two sessions cannot be stored, the error answer still carries the ticket of the first', async () => {
  const { store, broken } = faulty()
  const sessions = createSessions({ secret, stores: { auth: memoryStore(), cart: store } })
  const visitor = new Visitor(sessions)
  await visitor.visit((session) => session.signIn('ada'), { name: 'auth' })
  const visit = sessions.visit({ method: 'GET', header: (name) => (name === 'cookie' ? visitor.cookie : undefined) })
  const [auth, cart] = [await visit.session('auth'), await visit.session('cart')]
  auth.signIn('ada')
  cart.set('hat', 1)
  broken.add('put')
  await expect(visit.commit()).rejects.toMatchObject({ code: 'store_unavailable' })
  const outgoing = await visit.commit(503)
  expect(outgoing.setCookies).toEqual([expect.stringMatching(/^__Host-auth=t1/)])
  visitor.receive(outgoing)
  expect((await visitor.visit((session) => session.user, { name: 'auth' })).result).toBe('ada')
  expect((await visit.commit(503)).setCookies).toEqual([])
  await sessions.close()
})

it('F-03 a request that was told of its failure is not written by a later attempt', async () => {
  const store = memoryStore()
  const elsewhere = createSessions({ secret, store: { ...store } })
  const sessions = createSessions({ secret, store, onConflict: 'throw' })
  const { visitor } = await holder(sessions, 'first')
  const outside = new Visitor(elsewhere, visitor.jar)
  const [ahead, loser, bystander] = await Promise.all([visitor.begin(), visitor.begin(), visitor.begin()])
  // The first put is waited for, so that the other two requests share the next. Before that one, and before its second attempt,
  // another process is faster: once with a conflict for the loser, and then with the value the loser had seen.
  const races: (() => Promise<unknown>)[] = [
    () => new Promise((resolve) => setImmediate(resolve)),
    () => outside.visit((session) => session.set('mine', 'second')),
    () => outside.visit((session) => session.set('mine', 'first')),
  ]
  const put = store.put.bind(store)
  store.put = async (row, expected) => {
    await races.shift()?.()
    return put(row, expected)
  }
  ahead.session.set('ahead', 1)
  loser.session.set('mine', 'the loser’s')
  bystander.session.set('other', 1)
  const [, lost, kept] = await Promise.allSettled([ahead.finish(), loser.finish(), bystander.finish()])
  expect(lost).toMatchObject({ status: 'rejected', reason: { code: 'conflict' } })
  expect(kept).toMatchObject({ status: 'fulfilled', value: { outcome: 'stored' } })
  expect((await visitor.visit((session) => session.toJSON())).result).toEqual({ mine: 'first', ahead: 1, other: 1 })
  await sessions.close()
})

describe.each(stored)('two releases at once on $name', (backend) => {
  it('F-23 the older one refuses what the newer one wrote, loses nothing of it, and can still end it', async () => {
    const { sessions, again, close } = backend.setup({ schema: anything, schemaVersion: 1 })
    const newer = again({ schema: anything, schemaVersion: 2, migrate: (values) => ({ ...values, migrated: true }) })
    const visitor = new Visitor(newer)
    await visitor.visit((session) => session.set('a', 1).signIn('ada'))
    const older = new Visitor(sessions, visitor.jar)
    await expect(older.visit((session) => session.set('a', 2))).rejects.toMatchObject({ code: 'schema_invalid' })
    await expect(sessions.peek(visitor.cookie)).rejects.toMatchObject({ code: 'schema_invalid' })
    expect((await visitor.visit((session) => session.toJSON())).result).toEqual({ a: 1 })
    expect(await sessions.revokeUser('ada')).toBe(1)
    expect((await visitor.visit((session) => session.isNew)).result).toBe(true)
    const second = new Visitor(newer)
    const { result: id } = await second.visit((session) => {
      session.signIn('ada')
      return session.id
    })
    expect(await sessions.revoke(id)).toBe(true)
    await close()
  })

  it('F-23 the newer one reads what the older one wrote, and writes it anew only when something changes', async () => {
    const { sessions, again, store, close } = backend.setup()
    const { visitor, id } = await holder(sessions)
    const from: number[] = []
    const newer = new Visitor(
      again({
        schema: anything,
        schemaVersion: 2,
        migrate: async (values, version) => {
          from.push(version)
          return { renamed: values['mine'] }
        },
      }),
      visitor.jar,
    )
    expect((await newer.visit((session) => session.toJSON())).result).toEqual({ renamed: 1 })
    expect((await visitor.visit((session) => session.toJSON())).result).toEqual({ mine: 1 })
    await newer.visit((session) => session.set('added', 2))
    expect((await store?.get(id))?.body).toContain('"schema":2')
    expect((await newer.visit((session) => session.toJSON())).result).toEqual({ renamed: 1, added: 2 })
    expect(new Set(from)).toEqual(new Set([0]))
    await close()
  })
})

it('F-02 read-empty is for a store that is away, not for a session of another release', async () => {
  const { sessions, again, close } = memory.setup({ schemaVersion: 2 })
  const { visitor } = await holder(sessions)
  const older = new Visitor(again({ schemaVersion: 1, storeDown: 'read-empty' }), visitor.jar)
  await expect(older.visit((session) => session.size)).rejects.toMatchObject({ code: 'schema_invalid' })
  await close()
})

it('F-23 a migration that fails leaves the row as it was, and the session can be ended', async () => {
  const store = memoryStore()
  const old = createSessions({ secret, store })
  const visitor = new Visitor(old)
  await visitor.visit((session) => session.set('mine', 1).signIn('ada'))
  const results: (Record<string, unknown> | null)[] = [null, { f: () => 1 }]
  for (const result of results) {
    const sessions = createSessions({ secret, store, schema: anything as never, schemaVersion: 1, migrate: () => result as never })
    await expect(new Visitor(sessions, visitor.jar).visit((session) => session.size)).rejects.toMatchObject({
      code: result === null ? 'schema_invalid' : 'value_invalid',
    })
  }
  expect((await visitor.visit((session) => session.get('mine'))).result).toBe(1)
  const broken = createSessions({
    secret,
    store,
    schema: anything as never,
    schemaVersion: 1,
    migrate: () => {
      throw new Error('a bug of ours')
    },
  })
  await expect(new Visitor(broken, visitor.jar).visit((session) => session.size)).rejects.toThrowError('a bug of ours')
  expect(await broken.revokeUser('ada')).toBe(1)
  await Promise.all([old.close(), broken.close()])
})

it('F-03 edits of a response that fails are dropped, whatever it edits afterwards', async () => {
  const { sessions, close } = memory.setup()
  const { visitor } = await holder(sessions)
  const { session, finish } = await visitor.begin()
  session.set('mine', 2)
  expect(await finish(500)).toMatchObject({ outcome: 'discarded', setCookies: [] })
  session.set('mine', 3)
  expect(await finish(200)).toMatchObject({ outcome: 'discarded', setCookies: [] })
  expect((await visitor.visit((one) => one.get('mine'))).result).toBe(1)
  await close()
})

it('F-03 a value that cannot be kept fails the commit and stores nothing, and the error answer can still be sent', async () => {
  const { sessions, store, close } = memory.setup()
  const { visitor, token } = await holder(sessions)
  const { session, finish } = await visitor.begin()
  store?.calls.splice(0)
  session.set('fine', 1).signIn('ada')
  session.set('bad', { deep: [() => 1] })
  await expect(finish()).rejects.toMatchObject({ code: 'value_invalid' })
  expect(await finish(500)).toMatchObject({ outcome: 'discarded', setCookies: [] })
  expect([store?.calls, tokenOf(visitor)]).toEqual([[], token])
  await close()
})

it('F-02 a store of a class with private fields works under every carrier', async () => {
  class Shelf {
    readonly #inner = memoryStore()
    readonly guarantees = { ...this.#inner.guarantees, mayEvict: false }
    get(...args: Parameters<ReturnType<typeof memoryStore>['get']>): ReturnType<ReturnType<typeof memoryStore>['get']> {
      return this.#inner.get(...args)
    }
    put(...args: Parameters<ReturnType<typeof memoryStore>['put']>): ReturnType<ReturnType<typeof memoryStore>['put']> {
      return this.#inner.put(...args)
    }
    delete(id: string): Promise<void> {
      return this.#inner.delete(id)
    }
  }
  for (const carrier of ['stored', 'spill'] as const) {
    const sessions = createSessions({ secret, carrier, store: new Shelf() })
    const visitor = new Visitor(sessions)
    const steps: ((session: Session) => unknown)[] = [
      (session) => session.signIn('ada'),
      (session) => session.set('a', 1),
      (session) => session.destroy(),
    ]
    for (const step of steps) await visitor.visit((session) => void step(session))
    expect((await request(sessions, visitor.cookie)).opened).toBe(false)
    await sessions.close()
  }
})

it('O-03 a listener that throws, or fails later, breaks no request and no process', async () => {
  const warnings: string[] = []
  const hear = (warning: Error): void => void warnings.push(warning.message)
  process.on('warning', hear)
  for (const bad of [
    (): never => {
      throw new Error('sync')
    },
    async (): Promise<void> => Promise.reject(new Error('async')),
  ]) {
    const sessions = createSessions({ secret, store: memoryStore(), onEvent: bad })
    const { visitor } = await holder(sessions)
    expect((await visitor.visit((session) => session.get('mine'))).result).toBe(1)
    await sessions.close()
  }
  await new Promise((resolve) => setTimeout(resolve, 20))
  process.off('warning', hear)
  expect(warnings.filter((text) => text.includes('onEvent'))).toEqual([
    '[coatcheck] onEvent threw: sync',
    '[coatcheck] onEvent threw: async',
  ])
})

it.each(['auth', 'cart'])('F-01 named sessions that share a store close it once, and sweep it once when %s is used', async (name) => {
  const inner = memoryStore()
  let [closed, swept] = [0, 0]
  const { timers, pass } = manualTimers()
  const store = { ...inner, close: async () => void closed++, sweep: async () => (swept++, 0) }
  const sessions = createSessions({ secret, timers, stores: { auth: store, cart: store, other: memoryStore() } })
  await new Visitor(sessions).visit((session) => session.set('a', 1), { name })
  pass(60_000)
  await sessions.close()
  expect([closed, swept]).toEqual([1, 1])
})
