/** Changing old sessions where they are. */
import session, { MemoryStore } from 'express-session'
import { describe, expect, test } from 'vitest'
import type { DualWrite, OldChanges } from '../../src/index.ts'
import { fromExpressSession, type ExpressStore } from '../../src/migrate/express-session.ts'
import { fromFastifySession } from '../../src/migrate/fastify-session.ts'
import { fromKoaSession, type KoaStore } from '../../src/migrate/koa-session.ts'
import { changes, dual, expectNear, hourMs, secret, sid, stored, sunset } from './dual-sessions.ts'

const nothing: OldChanges = { set: {}, drop: [] }

describe('what the old application is to see', () => {
  const express = (options: object): DualWrite =>
    dual(fromExpressSession({ secret, store: new MemoryStore(), sunset, ...options } as never))
  const seen = (before: object, after: object, options: object = { dualWrite: true }): Promise<OldChanges | null> =>
    express(options).changes({ values: before as never }, { values: after as never, user: 'ada' })

  test('is what differs, as JSON has it', async () => {
    const before = { same: { a: [1] }, changed: 1, gone: 1, when: new Date(0) }
    const after = { same: { a: [1] }, changed: 2, fresh: null, when: new Date(1) }
    expect(await seen(before, after)).toEqual({
      set: { changed: 2, fresh: null, when: '1970-01-01T00:00:00.001Z' },
      drop: ['gone'],
    })
    expect(await seen(before, before)).toBeNull()
  })

  test('what JSON cannot say is not there, at any depth', async () => {
    const odd = { map: new Map(), set: [new Set()], bytes: { deep: new Uint8Array(1) }, big: 1n, undefined }
    expect(await seen({}, odd)).toBeNull()
    expect(await seen({ map: 1, big: 1 }, odd)).toEqual({ set: {}, drop: ['map', 'big'] })
  })

  test('P-01 a key __proto__ is no value', async () => {
    expect(await seen({}, JSON.parse('{"__proto__":{"x":1},"a":1}') as object)).toEqual({ set: { a: 1 }, drop: [] })
  })

  test('is what toOld makes of both, and the user is', async () => {
    const map = () => ({ values: {}, user: null })
    const toOld = (values: object, user: string | null) => ({ ...values, passport: { user } })
    expect(await seen({ n: 1 }, { n: 1 }, { map, dualWrite: { toOld } })).toEqual({ set: { passport: { user: 'ada' } }, drop: [] })
    expect(express({ map, dualWrite: { toOld } }).tellsUser).toBe(true)
    expect(express({ dualWrite: true }).tellsUser).toBe(false)
  })
})

describe('R-08 what one user has changed is not written to what is another’s by now', () => {
  const content = { ...stored(hourMs), user: 'eve' }
  const sets: unknown[] = []
  const toOld = (values: object): Record<string, unknown> => ({ ...values })
  const options = { sunset, map: (values: object) => ({ values: toOld(values), user: 'eve' }), dualWrite: { toOld } }
  const koa: KoaStore = { get: () => content, destroy: () => null, set: (_id, one) => sets.push(one) }
  const express: ExpressStore = {
    get: (_id, callback) => callback(null, content),
    destroy: () => null,
    set: (_id, one, callback) => (sets.push(one), callback()),
  }
  test.each([
    ['express-session', fromExpressSession({ secret, store: express, ...options })],
    ['koa-session', fromKoaSession({ keys: ['k'], store: koa, ...options })],
  ])('%s', async (_system, reader) => {
    const { write } = dual(reader)
    sets.length = 0
    for (const user of ['ada', null]) expect(await write(sid, changes, Date.now(), user)).toBe(false)
    expect(sets).toEqual([])
    expect(await write(sid, changes, Date.now(), 'eve')).toBe(true)
    expect(sets).toMatchObject([{ a: 2, user: 'eve' }])
  })
})

const map = (): { values: object } => ({ values: {} })
const toOld = (values: object): object => values

test.each([
  ['no sunset', { dualWrite: true, sunset: undefined }, /sunset/],
  ['no function', { dualWrite: {} }, /toOld/],
  ['false', { dualWrite: false }, /toOld/],
  ['a map and no way back', { dualWrite: true, map }, /toOld/],
  ['keepOld: false', { dualWrite: { toOld }, keepOld: false }, /keepOld/],
  [
    'a client that cannot write',
    { dualWrite: true, store: { get: async (): Promise<null> => null, del: async () => 0 } },
    /can be changed/,
  ],
  ['a Store that cannot write', { dualWrite: true, store: { get: (): null => null, destroy: () => null } }, /can be changed/],
  ['a collection that cannot write', { dualWrite: true, store: { findOne: async () => null, deleteOne: async () => 0 } }, /can be changed/],
])('config_invalid: %s', (_what, options, message) => {
  const make = (): unknown => fromExpressSession({ secret, store: new MemoryStore(), sunset, ...options } as never)
  expect(make).toThrowError(expect.objectContaining({ code: 'config_invalid', message: expect.stringMatching(message) as string }))
})

test('config_invalid: koa-session without a store, or with one that cannot write', () => {
  const readOnly: KoaStore = { get: () => null, destroy: () => null }
  for (const store of [{}, { store: readOnly }])
    expect(() => fromKoaSession({ keys: ['k'], sunset, dualWrite: true, ...store })).toThrowError(
      expect.objectContaining({ code: 'config_invalid' }),
    )
})

describe('in a Store', () => {
  const put = (store: MemoryStore, content: object): Promise<void> =>
    new Promise((resolve, reject) =>
      store.set(sid, content as session.SessionData, (error) => (error ? reject(error as Error) : resolve())),
    )

  test('M-06 it is given what express-session would give it', async () => {
    const store = new MemoryStore()
    const given: [string, session.SessionData][] = []
    const { set, touch } = store
    store.set = (id, one, callback) => (given.push(['set', one]), set.call(store, id, one, callback))
    store.touch = (id, one, callback) => (given.push(['touch', one]), touch.call(store, id, one, callback))
    const { write, load } = dual(fromExpressSession({ secret, store, sunset, dualWrite: true }))
    await put(store, stored(hourMs, Date.now() - 0.6 * hourMs))
    given.length = 0
    await (await load(sid, Date.now()))?.renew?.()
    await write(sid, changes, Date.now(), null)
    expect(given.map(([name]) => name)).toEqual(['touch', 'set'])
    for (const [, one] of given) {
      expect(one).toBeInstanceOf(session.Session)
      expect(one.cookie).toBeInstanceOf(session.Cookie)
      expectNear(one.cookie.maxAge as number, hourMs)
    }
    const { values } = (await load(sid, Date.now())) as { values: object }
    expect(values).toEqual({ a: 2 })
  })

  test('of @fastify/session the end is written, for there the session itself says when it is over', async () => {
    const store = new MemoryStore()
    const { load } = dual(fromFastifySession({ secret, store: store as never, sunset, dualWrite: true }))
    const nowMs = Date.now()
    await put(store, stored(hourMs, nowMs - 0.6 * hourMs))
    await (await load(sid, nowMs))?.renew?.()
    expect((await load(sid, nowMs + 0.9 * hourMs))?.values).toEqual({ a: 1, b: 1 })
  })

  test('one that cannot be touched is left as it is', async () => {
    const content = stored(null)
    const store: ExpressStore = {
      get: (_id, callback) => callback(null, content),
      destroy: (_id, callback) => callback(),
      set: (_id, _session, callback) => callback(),
    }
    const { load } = dual(fromExpressSession({ secret, store, sunset, dualWrite: true }))
    await (await load(sid, Date.now()))?.renew?.()
    expect(content).toMatchObject({ a: 1, b: 1 })
  })
})

describe('in a store of koa-session', () => {
  function koa(content: object | null) {
    const rows = new Map<string, unknown>(content === null ? [] : [[sid, content]])
    const sets: unknown[] = []
    const store: KoaStore = {
      get: (id) => rows.get(id),
      destroy: (id) => void rows.delete(id),
      set: (id, one, ...rest) => void (rows.set(id, one), sets.push(rest)),
    }
    return { rows, sets, dual: dual(fromKoaSession({ keys: ['k'], store, sunset, dualWrite: true })) }
  }

  test('M-06 its own members stay, and its end moves', async () => {
    const nowMs = Date.now()
    const { rows, sets, dual } = koa({ a: 1, b: 1, _maxAge: hourMs, _expire: nowMs + 1 })
    expect(await dual.write(sid, { set: { a: 2, _expire: 0 }, drop: ['b', '_maxAge'] }, nowMs, null)).toBe(true)
    expect(rows.get(sid)).toEqual({ a: 2, _maxAge: hourMs, _expire: nowMs + hourMs })
    expect(sets).toEqual([[hourMs + 10_000, { changed: true, rolling: false }]])
    expect((await dual.load(sid, nowMs))?.renew).toBeUndefined()
    await (await dual.load(sid, nowMs + 0.6 * hourMs))?.renew?.()
    expect(rows.get(sid)).toEqual({ a: 2, _maxAge: hourMs, _expire: nowMs + 1.6 * hourMs })
    expect(await dual.load(sid, nowMs)).toMatchObject({ values: { a: 2 }, expiresAt: null })
  })

  test('one until the browser closes stays so; what is over is not brought back', async () => {
    const { rows, sets, dual } = koa({ a: 1, _session: true })
    expect(await dual.write(sid, { set: { a: 2 }, drop: [] }, 0, null)).toBe(true)
    expect([rows.get(sid), sets]).toEqual([{ a: 2, _session: true }, [['session', { changed: true, rolling: false }]]])
    for (const content of [null, { a: 1, _expire: 5, _maxAge: 5 }]) expect(await koa(content).dual.write(sid, nothing, 6, null)).toBe(false)
  })
})
