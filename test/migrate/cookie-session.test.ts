import { createHmac } from 'node:crypto'
import cookieSession from 'cookie-session'
import express from 'express'
import { describe, expect, test } from 'vitest'
import { createSessions } from '../../src/index.ts'
import { fromCookieSession, passportUser, readCookieSession } from '../../src/migrate/cookie-session.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { Visitor } from '../support/visitor.ts'
import { describeGolden, expectPlain, junkValues, opened } from './golden.ts'
import { describeMove, filled, listening } from './two-applications.ts'

const keys = ['key1', 'key2']
const genuine = 'session=eyJmb28iOiJiYXIifQ==; session.sig=FCAcWmhLQ6-PjwPjwkLtI6k9DPw'

function headerOf(json: string, { name = 'session', key = 'key1' } = {}): string {
  const pair = `${name}=${Buffer.from(json).toString('base64')}`
  return `${pair}; ${name}.sig=${createHmac('sha1', key).update(pair).digest('base64url')}`
}

describeGolden({
  file: 'cookie-session',
  readerFor: ({ secret, cookie_name }) => fromCookieSession({ keys: secret, cookieName: cookie_name }),
})

describe('a pair of cookies', () => {
  const read = (header: string) => readCookieSession(header, { keys })

  test('M-01 no signature, an empty one, another key, another name, the signature of another pair: none', () => {
    const value = genuine.slice(0, genuine.indexOf(';'))
    for (const header of [
      value,
      `${value}; session.sig=`,
      headerOf('{"foo":"bar"}', { key: 'nope' }),
      headerOf('{"foo":"bar"}', { name: 'other' }).replaceAll('other', 'session'),
      `${value}; ${headerOf('{"admin":true}').split('; ')[1]}`,
      `${value}; session.sig=${'A'.repeat(27)}`,
      genuine.toLowerCase(),
    ]) {
      expect(read(header), header).toBeNull()
    }
    expect(read(genuine)).toEqual({ foo: 'bar' })
  })

  test('S0.5 junk is none, and throws nothing', () => {
    for (const value of junkValues) {
      expect(read(`session=${value}; session.sig=FCAcWmhLQ6-PjwPjwkLtI6k9DPw`)).toBeNull()
      expect(read(`session=eyJmb28iOiJiYXIifQ==; session.sig=${value}`)).toBeNull()
    }
    for (const header of [null, undefined, 7, {}]) expect(read(header as string)).toBeNull()
  })

  test.each(['', '{', '[1]', '"text"', 'null', '5', 'true', `${'['.repeat(9_000)}`])('M-02 signed, but no object: %s', (json) => {
    expect(read(headerOf(json))).toBeNull()
  })

  test('P-01 a key __proto__ is left out at any depth, others of Object.prototype are data', () => {
    const found = read(headerOf('{"a":{"__proto__":{"x":1},"b":1},"\\u005f_proto__":{"x":1},"constructor":"c"}'))
    expect(found).toEqual({ a: { b: 1 }, constructor: 'c' })
    expectPlain(found)
    expect({}).not.toHaveProperty('x')
  })

  test('the first of two is taken, as the library does', () => {
    expect(read(`${genuine}; session=junk`)).toEqual({ foo: 'bar' })
    expect(read(`session=junk; ${genuine}`)).toBeNull()
  })

  test('T-07 a Keygrip of the old application verifies as it did there, and one that throws has found nothing', () => {
    const sign = (data: string): string => createHmac('sha256', 'k').update(data).digest('hex')
    const keygrip = { verify: (data: string, digest: string) => sign(data) === digest }
    const pair = 'session=eyJmb28iOiJiYXIifQ=='
    expect(readCookieSession(`${pair}; session.sig=${sign(pair)}`, { keys: keygrip })).toEqual({ foo: 'bar' })
    expect(readCookieSession(genuine, { keys: keygrip })).toBeNull()
    const broken = { verify: () => expect.fail('broken') }
    expect(readCookieSession(genuine, { keys: broken })).toBeNull()
  })
})

test('M-03 signed again with a newer key it is the same session', async () => {
  const reader = fromCookieSession({ keys: ['new', 'old'] })
  const [before, after] = await Promise.all(['old', 'new'].map((key) => opened(reader, headerOf('{"a":1}', { key }), 0)))
  expect(before).toMatchObject({ values: { a: 1 }, expiresAt: null })
  expect(after?.identity).toBe(before?.identity)
  expect((await opened(reader, headerOf('{"a":2}', { key: 'new' }), 0))?.identity).not.toBe(before?.identity)
  expect(reader.expire?.({ all: () => [], names: () => [] })).toEqual(['session', 'session.sig'])
  expect(fromCookieSession({ keys, cookieName: 's' }).expire?.({ all: () => [], names: () => [] })).toEqual(['s', 's.sig'])
})

test('M-01 two strangers with the same data have the same cookie: neither sees what the other does', async () => {
  const sessions = createSessions<Record<string, unknown>>({
    secret: 'a secret for moving in, longer than 32 bytes',
    store: memoryStore(),
    moveIn: [fromCookieSession({ keys })],
  })
  const [value = '', signature = ''] = genuine.split('; ').map((pair) => pair.slice(pair.indexOf('=') + 1))
  const arriving = (): Visitor =>
    new Visitor(
      sessions,
      new Map([
        ['session', value],
        ['session.sig', signature],
      ]),
    )
  const [first, second] = [arriving(), arriving()]
  await first.visit((session) => session.set('address', 'A street 1'))
  expect((await second.visit((session) => [session.isNew, session.get('address')])).result).toEqual([true, undefined])
  expect((await first.visit((session) => Object.fromEntries(session))).result).toEqual({ foo: 'bar', address: 'A street 1' })
  await sessions.close()
})

test.each([
  [
    { passport: { user: 42 }, a: 1 },
    { values: { a: 1 }, user: '42' },
  ],
  [{ passport: { user: 'u_1' } }, { values: {}, user: 'u_1' }],
  [{ passport: {} }, { values: { passport: {} }, user: null }],
  [{ passport: { user: { id: 1 } } }, { values: { passport: { user: { id: 1 } } }, user: null }],
  [{ passport: { user: '' } }, { values: { passport: { user: '' } }, user: null }],
  [
    { passport: 'x', a: 1 },
    { values: { passport: 'x', a: 1 }, user: null },
  ],
  [{ a: 1 }, { values: { a: 1 }, user: null }],
])("Passport's user in %j", (values, mapped) => {
  expect(passportUser(values)).toEqual(mapped)
})

test.each([
  [{}],
  [{ keys: [] }],
  [{ keys: '' }],
  [{ keys: [7] }],
  [{ keys, secret: 'x' }],
  [{ keys, cookieName: 'a=b' }],
  [{ keys: null }],
])('M-01 config_invalid: %j', (wrong) => {
  expect(() => fromCookieSession(wrong as never)).toThrowError(expect.objectContaining({ code: 'config_invalid' }))
})

describeMove({
  title: 'from an Express application with cookie-session',
  stored: false,
  async start() {
    const app = express()
    app.use(cookieSession({ name: 'session', keys }))
    app.get('/set', (req, res) => {
      // A sign-in has its time: two visitors with the same data would have the same cookie.
      Object.assign(req.session as object, filled)
      res.json({})
    })
    app.get('/', (req, res) => void res.json(req.session))
    const server = await listening(app)
    return { ...server, reader: (options) => fromCookieSession({ keys, ...options }) }
  },
})
