import { pbkdf2Sync } from 'node:crypto'
import { H3, toNodeHandler, useSession, type SessionConfig } from 'h3'
import { describe, expect, test, vi } from 'vitest'
import { fromH3Session, readH3Session, type H3SessionConfig } from '../../src/migrate/h3-session.ts'
import { describeGolden, junkValues, opened } from './golden.ts'
import { goldenOf, type Golden } from './golden-cases.ts'
import { sealed } from './sealed.ts'
import { describeMove, filled, listening } from './two-applications.ts'

type Values = Record<string, unknown>

const password = 'complex_password_at_least_32_characters_long'
const createdAt = 1_700_000_000_000
const nowMs = createdAt + 1_000
const one = { version: 1, password } as const
const two = { version: 2, password } as const

/** A cookie with this in it, as h3 1 seals it. */
const made = (session: object, endsAt: number | null = null): string => sealed(JSON.stringify(session), { password, endsAt })
const session = (more: object = {}): object => ({ id: 'an-id', createdAt, data: { a: 1 }, ...more })
const read = (value: string, more: Partial<H3SessionConfig> & { now?: number } = {}) =>
  readH3Session(value, { ...one, now: nowMs, ...more })

const versionOf = ({ config }: Golden): number => Number(config?.['version'])

describeGolden({
  file: 'h3-session',
  readerFor: ({ secret, cookie_name, config }) =>
    fromH3Session({ ...(config as unknown as H3SessionConfig), password: secret as string, cookieName: cookie_name }),
  // The cookies of h3 2 cost 8 ms each: a sample of their bits is below.
  flipped: (one) => versionOf(one) === 1,
  differences: { 'h3 2.bad.age.within': null },
})

describe('a cookie', () => {
  test('M-05 M-01 of h3 2 is nothing to version 1, and none with a bit flipped', () => {
    const [header = ''] = goldenOf('h3-session')
      .filter(({ id }) => id === 'h3 2.simple')
      .map(({ cookie_header }) => cookie_header)
    const value = header.slice('h3='.length)
    expect(read(value, two)).toEqual({ foo: 'bar' })
    expect(read(value, one)).toBeNull()
    for (let at = 0; at < value.length; at += 7) {
      const flipped = value.slice(0, at) + String.fromCharCode(value.charCodeAt(at) ^ 1) + value.slice(at + 1)
      expect(read(flipped, two), flipped).toBeNull()
    }
  })

  test('S0.4 lives as long as its seal, its maxAge and its idle timeout, each to the millisecond', () => {
    const limits: [number, string, Partial<H3SessionConfig>][] = [
      [createdAt + 60_000 - 1, made(session(), createdAt + 60_000), {}],
      [createdAt + 60_000, made(session()), { maxAge: 60 }],
      [createdAt + 60_000, made(session()), { ...two, idleTimeout: 60 }],
      [createdAt + 90_000, made(session({ lastSeenAt: createdAt + 30_000 })), { ...two, idleTimeout: 60 }],
      [createdAt + 60_000, made(session({ lastSeenAt: createdAt + 30_000 })), { ...two, maxAge: 60, idleTimeout: 60 }],
    ]
    for (const [last, value, config] of limits) {
      expect(read(value, { ...config, now: last })).toEqual({ a: 1 })
      expect(read(value, { ...config, now: last + 1 })).toBeNull()
    }
  })

  test('M-03 is named by the session, whose copies are all one, and the claim lasts as long as any of them', async () => {
    const header = (value: string): string => `h3=${value}`
    const found = async (value: string, config: object = {}, now = nowMs) =>
      opened(fromH3Session({ ...one, ...config }), header(value), now)
    const [first, later] = await Promise.all([session(), session({ data: { a: 2 } })].map((copy) => found(made(copy))))
    expect(first).toMatchObject({ identity: 'an-id', values: { a: 1 }, expiresAt: null })
    expect(later).toMatchObject({ identity: 'an-id', values: { a: 2 } })
    expect(await found(made(session()), { maxAge: 60 })).toMatchObject({ expiresAt: createdAt + 60_000 })
    expect(await found(made(session()), { maxAge: 60, keepOld: true })).toMatchObject({ expiresAt: createdAt + 60_000 })
    expect(await found(made(session()), { idleTimeout: 60 })).toMatchObject({ expiresAt: nowMs + 60_000 })
    expect(await found(made(session()), { idleTimeout: 60, keepOld: true })).toMatchObject({ expiresAt: null })
    // A seal alone says it as well: it lives for no longer than from the session's beginning to its end.
    expect(await found(made(session(), createdAt + 60_000), {}, createdAt + 50_000)).toMatchObject({ expiresAt: createdAt + 110_000 })
  })

  test('M-01 another password, a password id, no id, no time, data that are none: none', () => {
    expect(read(made(session()))).toEqual({ a: 1 })
    for (const value of [
      sealed(JSON.stringify(session()), { password: 'another_password_that_is_32_chars_long!!' }),
      sealed(JSON.stringify(session()), { password, id: '1' }),
      `${made(session())}~2`,
      made(session({ id: '' })),
      made(session({ id: 5 })),
      made(session({ createdAt: '1700000000000' })),
      made({ createdAt, data: {} }),
      made(session({ data: [1] })),
      made(session({ data: null })),
      made([session()]),
      sealed('{', { password }),
      sealed('', { password }),
    ]) {
      expect(read(value), value).toBeNull()
    }
  })

  test('S0.5 junk is none, and throws nothing', () => {
    for (const value of [...junkValues, '*'.repeat(7), '__chunked__2', null, undefined, 7]) {
      expect(read(value as string)).toBeNull()
      expect(read(value as string, two)).toBeNull()
    }
  })

  test('P-01 a key __proto__ is left out', () => {
    const text = '{"id":"i","createdAt":1,"data":{"a":{"__proto__":{"x":1}},"__proto__":{"x":1},"constructor":1},"__proto__":{"id":"j"}}'
    expect(read(sealed(text, { password }))).toEqual({ a: {}, constructor: 1 })
    expect({}).not.toHaveProperty('x')
  })
})

describe('a cookie in pieces', () => {
  const whole = made(session())
  const [head, tail] = [whole.slice(0, 100), whole.slice(100)]
  const values = async (header: string) => (await opened(fromH3Session(one), header, nowMs))?.values ?? null

  test.each([
    [`h3=__chunked__2; h3.1=${head}; h3.2=${tail}`, true],
    [`h3=__chunked__2; h3.2=${tail}; h3.1=${head}; h3.3=old`, true],
    [`h3=__chunked__3; h3.1=${head}; h3.2=${tail}`, true],
    [`h3=__chunked__1; h3.1=${head}; h3.2=${tail}`, false],
    [`h3=__chunked__2; h3.1=${head}`, false],
    [`h3=__chunked__2; h3.0=${head}; h3.1=${tail}`, false],
    [`h3=__chunked__02; h3.1=${head}; h3.2=${tail}`, false],
    [`h3=__chunked__101; h3.1=${head}; h3.2=${tail}`, false],
    [`h3=__chunked__; h3.1=${head}; h3.2=${tail}`, false],
    [`h3.1=${head}; h3.2=${tail}`, false],
  ])('M-01 S0.5 %s', async (header, good) => {
    expect(await values(header)).toEqual(good ? { a: 1 } : null)
  })

  test('all of them are expired', () => {
    const names = (is: (name: string) => boolean): string[] => ['h3', 'h3.1', 'h3.2', 'h3.x', 'h33'].filter(is)
    expect(fromH3Session(one).expire?.({ all: () => [], names })).toEqual(['h3', 'h3.1', 'h3.2'])
  })
})

test('S0.12 a forged cookie costs one key, a genuine one two', async () => {
  const counted = vi.fn<typeof pbkdf2Sync>(pbkdf2Sync)
  vi.resetModules()
  vi.doMock('node:crypto', async (original) => ({ ...(await original<object>()), pbkdf2Sync: counted }))
  const { readH3Session } = await import('../../src/migrate/h3-session.ts')
  vi.doUnmock('node:crypto')
  const cost = (value: string, config: H3SessionConfig): number[] => {
    counted.mockClear()
    readH3Session(value, { ...config, now: nowMs })
    return counted.mock.calls.map(([, , iterations]) => iterations)
  }
  const value = made(session())
  const forged = `${value.slice(0, -1)}${value.endsWith('A') ? 'E' : 'A'}`
  expect(cost(value, one)).toEqual([1, 1])
  expect(cost(forged, one)).toEqual([1])
  expect(cost(value, two)).toEqual([1, 1])
  expect(cost(forged, two)).toEqual([1, 8_192])
  expect(cost(made(session(), nowMs), two)).toEqual([])
  expect(cost('Fe26.2**', two)).toEqual([])
})

test.each([
  [{ version: undefined }],
  [{ version: 3 }],
  [{ version: 'toString' }],
  [{ version: '1' }],
  [{ password: 'short' }],
  [{ password: undefined }],
  [{ password: [password] }],
  [{ maxAge: 0 }],
  [{ maxAge: '60' }],
  [{ idleTimeout: -1 }],
  [{ name: 'h3' }],
])('M-01 config_invalid: %j', (wrong) => {
  expect(() => fromH3Session({ ...one, ...wrong } as never)).toThrowError(expect.objectContaining({ code: 'config_invalid' }))
})

/** Too much for one cookie. */
const long = { user: 'ada', list: Array.from({ length: 260 }, (_, i) => `item number ${i}`) }

async function application(config: Partial<SessionConfig>, holding: Values, reader: object = {}) {
  const app = new H3()
  const sessionOf = (event: Parameters<typeof useSession>[0]) =>
    useSession<Values>(event, { password, cookie: { secure: false }, ...config })
  app.get('/set', async (event) => {
    await (await sessionOf(event)).update(holding)
    return {}
  })
  app.get('/', async (event) => (await sessionOf(event)).data)
  const server = await listening(toNodeHandler(app))
  return { ...server, reader: (options: object) => fromH3Session({ ...two, ...reader, ...options }) }
}

describeMove({ title: 'from an h3 2 application', stored: false, start: () => application({}, filled) })

describeMove({
  title: 'from one whose cookies are in pieces, with a name, a maxAge and an idle timeout',
  stored: false,
  holding: long,
  start() {
    const times = { maxAge: 3_600, idleTimeout: 600 }
    return application({ name: 'nuxt-session', ...times }, long, { cookieName: 'nuxt-session', ...times })
  },
})
