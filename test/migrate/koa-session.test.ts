import { createHmac } from 'node:crypto'
import Koa from 'koa'
import { createSession } from 'koa-session'
import { describe, expect, test } from 'vitest'
import { fromKoaSession, readKoaSession, type KoaStore } from '../../src/migrate/koa-session.ts'
import { describeGolden, junkValues, opened } from './golden.ts'
import { describeMove, filled, listening } from './two-applications.ts'

const keys = ['some secret hurr']
const nowMs = 1_700_000_001_000
const id = '6d0be1f0-80f1-466e-a469-8c50db919d2f'

function pairOf(value: string, { name = 'koa.sess', key = 'some secret hurr' } = {}): string {
  const pair = `${name}=${value}`
  return `${pair}; ${name}.sig=${createHmac('sha1', key).update(pair).digest('base64url')}`
}

const holding = (json: string): string => pairOf(Buffer.from(json).toString('base64'))

function storeOf(entries: Readonly<Record<string, unknown>> = {}) {
  const rows = new Map(Object.entries(entries))
  const asked: string[] = []
  return { rows, asked, get: (key: string) => (asked.push(key), rows.get(key)), destroy: (key: string) => void rows.delete(key) }
}

describeGolden({
  file: 'koa-session',
  readerFor({ system, secret, cookie_name, stored }) {
    const entry = stored?.['store']
    const expired = { [id]: { _expire: 1_700_086_400_000, _maxAge: 86_400_000, foo: 'bar' } }
    const store = system.includes('external') ? storeOf(entry === undefined ? expired : { [entry.key]: entry.value }) : undefined
    return fromKoaSession({ keys: secret, cookieName: cookie_name, ...(store === undefined ? {} : { store }) })
  },
})

describe('a session in the cookie', () => {
  const read = (header: string, now = nowMs) => readKoaSession(header, { keys, now })

  test('S0.4 lives until the millisecond it names, and without one until the browser closes', async () => {
    const json = `{"a":1,"_expire":${nowMs},"_maxAge":1000}`
    expect(read(holding(json))).toEqual({ a: 1 })
    expect(read(holding(json), nowMs + 1)).toBeNull()
    const reader = fromKoaSession({ keys })
    expect(await opened(reader, holding(json), nowMs)).toMatchObject({ values: { a: 1 }, expiresAt: nowMs })
    expect(await opened(reader, holding('{"a":1,"_session":true}'), nowMs)).toMatchObject({ values: { a: 1 }, expiresAt: null })
    expect(reader.expire?.({ all: () => [], names: () => [] })).toEqual(['koa.sess', 'koa.sess.sig'])
  })

  test('M-01 no signature, another key, another name: none', () => {
    const value = Buffer.from('{"a":1}').toString('base64')
    for (const header of [
      `koa.sess=${value}`,
      `koa.sess=${value}; koa.sess.sig=`,
      pairOf(value, { key: 'guessed' }),
      pairOf(value, { name: 'other' }).replaceAll('other', 'koa.sess'),
    ]) {
      expect(read(header), header).toBeNull()
    }
  })

  test('S0.5 junk is none, and throws nothing', () => {
    for (const value of junkValues) expect(read(`koa.sess=${value}; koa.sess.sig=_bmYv72Hb54XIVAcq94FC7OEZ0s`)).toBeNull()
    for (const header of [null, undefined, 7]) expect(read(header as unknown as string)).toBeNull()
  })

  test.each(['', '{', '[1]', '"text"', 'null', '0'])('M-02 signed, but no object: %s', (json) => {
    expect(read(holding(json))).toBeNull()
  })
})

describe('a session in a store', () => {
  const rows = { [id]: { a: 1, _session: true } }

  test('M-01 S0.6 a cookie that holds a session, an id that is none and one that is not signed never reach it', async () => {
    const store = storeOf(rows)
    const reader = fromKoaSession({ keys, store })
    for (const header of [
      holding('{"a":1}'),
      pairOf('short'),
      pairOf('../../etc/passwd/x'),
      `koa.sess=${id}`,
      pairOf(id, { key: 'guessed' }),
    ])
      expect(await opened(reader, header, nowMs)).toBeNull()
    expect(store.asked).toEqual([])
    expect(await opened(reader, pairOf(id), nowMs)).toMatchObject({ identity: id, values: { a: 1 }, expiresAt: null })
    // And the other way round.
    expect(await opened(fromKoaSession({ keys }), pairOf(id), nowMs)).toBeNull()
  })

  test('M-01 unsigned ids are taken only where that is written', async () => {
    const reader = fromKoaSession({ store: storeOf(rows), allowUnsignedIds: true })
    expect(await opened(reader, `koa.sess=${id}`, nowMs)).toMatchObject({ values: { a: 1 } })
    expect(await opened(reader, 'koa.sess=short', nowMs)).toBeNull()
  })

  test.each([undefined, null, 'text', 5, [1], { _expire: nowMs - 1, a: 1 }])('M-02 P-05 %j in the store is none', async (stored) => {
    expect(await opened(fromKoaSession({ keys, store: storeOf({ [id]: stored }) }), pairOf(id), nowMs)).toBeNull()
  })

  test('an id with a prefix is taken when the application says so, and its session is ended', async () => {
    const store = storeOf({ [`app:${id}`]: { a: 1 } })
    const old = await opened(fromKoaSession({ keys, store, id: /app:[\da-f-]{36}/ }), pairOf(`app:${id}`), nowMs)
    await old?.end?.()
    expect([old?.values, store.rows.size]).toEqual([{ a: 1 }, 0])
  })
})

test.each([
  [{ keys: undefined }],
  [{ keys: [] }],
  [{ key: 'koa.sess' }],
  [{ store: {} }],
  [{ id: /x/ }],
  [{ store: storeOf(), id: 'x' }],
  [{ allowUnsignedIds: true }],
  [{ allowUnsignedIds: true, keys: undefined }],
  [{ allowUnsignedIds: true, store: storeOf() }],
  [{ allowUnsignedIds: false, store: storeOf() }],
])('M-01 config_invalid: %j', (wrong) => {
  expect(() => fromKoaSession({ keys, ...wrong } as never)).toThrowError(expect.objectContaining({ code: 'config_invalid' }))
})

/** Their application. */
async function application(store: (KoaStore & { set(id: string, session: unknown): unknown }) | null) {
  const app = new Koa()
  app.keys = keys
  app.use(createSession(store === null ? {} : { store: store as never }, app))
  app.use((ctx) => {
    if (ctx.path === '/set') Object.assign(ctx['session'] as object, filled)
    ctx.body = JSON.stringify(ctx.path === '/set' ? {} : ctx['session'])
  })
  const server = await listening(app.callback())
  return { ...server, reader: (options: object) => fromKoaSession({ keys, ...(store === null ? {} : { store }), ...options }) }
}

describeMove({ title: 'from a Koa application with koa-session', stored: false, start: () => application(null) })

describeMove({
  title: 'from a Koa application with koa-session and a store',
  stored: true,
  start() {
    const rows = new Map<string, unknown>()
    return application({
      get: async (key) => rows.get(key),
      set: async (key, session) => void rows.set(key, session),
      destroy: async (key) => void rows.delete(key),
    })
  },
})
