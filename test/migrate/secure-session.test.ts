import { randomBytes } from 'node:crypto'
import secureSession, { type SecureSessionPluginOptions, type Session } from '@fastify/secure-session'
import fastify from 'fastify'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { MoveIn } from '../../src/index.ts'
import { fromSecureSession, readSecureSession, secureSessionKey, type SecureSessionOptions } from '../../src/migrate/secure-session.ts'
import { describeGolden, junkValues, opened } from './golden.ts'
import { goldenOf } from './golden-cases.ts'
import { describeMove, filled } from './two-applications.ts'

type Values = Record<string, unknown>

const key = Buffer.from('AwoRGB8mLTQ7QklQV15lbHN6gYiPlp2kq7K5wMfO1dw=', 'base64')
const secret = 'averylogphrasebiggerthanthirtytwochars'
const secretsKey = secureSessionKey(secret)
const [simple = ''] = goldenOf('secure-session').map(({ cookie_header }) => cookie_header.slice('session='.length))
const nowMs = 1_700_000_001_000
const endMs = (1_700_000_000 + 86_401) * 1_000

const read = (value: string, options: Partial<SecureSessionOptions> & { now?: number } = {}) =>
  readSecureSession(value, { key, now: nowMs, ...options })

/** Cookies as the library makes them, whatever is in the session. */
async function made(values: unknown, options: object = { key }): Promise<string> {
  const app = fastify()
  await app.register(secureSession, options as SecureSessionPluginOptions)
  const value = app.encodeSecureSession(app.createSecureSession(values as Values))
  await app.close()
  return encodeURIComponent(value)
}

describeGolden({
  file: 'secure-session',
  readerFor({ secret, cookie_name }) {
    const given: unknown = secret
    // One case has a secret: what becomes of that is a test below, and takes its time.
    const key = typeof given === 'string' ? given.slice('base64:'.length) : secretsKey
    return fromSecureSession({ key, cookieName: cookie_name })
  },
})

describe('a cookie', () => {
  test('S0.4 lives for its expiry, to the millisecond', async () => {
    expect(read(simple, { now: endMs - 1 })).toEqual({ foo: 'bar' })
    expect(read(simple, { now: endMs })).toBeNull()
    expect(read(simple, { expiry: 60, now: 1_700_000_059_999 })).toEqual({ foo: 'bar' })
    expect(read(simple, { expiry: 60, now: 1_700_000_060_000 })).toBeNull()
    expect(await opened(fromSecureSession({ key }), `session=${simple}`, nowMs)).toMatchObject({ values: { foo: 'bar' }, expiresAt: endMs })
  })

  test('S0.4 of a version without __ts does not end; one whose __ts is no number is none', async () => {
    expect(read(await made({ a: 1, __ts: null }))).toBeNull()
    expect(read(await made({ a: 1, __ts: '1700000000' }))).toBeNull()
    const box = await madeWithout({ a: 1 })
    expect(await opened(fromSecureSession({ key }), `session=${box}`, nowMs)).toMatchObject({ values: { a: 1 }, expiresAt: null })
  })

  test('M-01 T-07 another key, parts of another box, another spelling of the same: none; any of several keys', async () => {
    const [box = '', nonce = ''] = decodeURIComponent(simple).split(';')
    const [otherBox = '', otherNonce = ''] = decodeURIComponent(await made({ foo: 'else' })).split(';')
    for (const text of [
      `${box};${otherNonce}`,
      `${otherBox};${nonce}`,
      `${box}`,
      `${box};`,
      `;${nonce}`,
      `${box};${nonce};`,
      `${box};${nonce}=`,
      `${box.replaceAll('=', '')};${nonce}`,
      `${box.slice(0, -3)}5==;${nonce}`,
      `${box.slice(0, 20)};${nonce}`,
      `${box.replaceAll('+', '-').replaceAll('/', '_')};${nonce}`,
      `${box} ;${nonce}`,
      `${box};${nonce}.${'A'.repeat(43)}`,
    ]) {
      expect(read(encodeURIComponent(text)), text).toBeNull()
    }
    for (const value of [await made({ foo: 'bar' }, { key: randomBytes(32) }), simple.replaceAll('%3D', '%3d'), `"${simple}"`]) {
      expect(read(value), value).toBeNull()
    }
    expect(read(decodeURIComponent(simple))).toEqual({ foo: 'bar' })
    expect(read(simple, { key: [randomBytes(32), key.toString('base64')] })).toEqual({ foo: 'bar' })
  })

  test('S0.5 junk is none, and throws nothing', () => {
    const boxes = ['%3B', `${'A'.repeat(16_000)}%3B${'A'.repeat(32)}`, `AAAA%3B${'A'.repeat(32)}`]
    for (const value of [...junkValues, ...boxes, null, undefined, 7]) expect(read(value as string)).toBeNull()
  })

  test('P-01 a key __proto__ is left out', async () => {
    expect(read(await made(JSON.parse('{"a":{"__proto__":{"x":1}},"constructor":1,"__ts":1700000000}')))).toEqual({ a: {}, constructor: 1 })
    expect({}).not.toHaveProperty('x')
  })

  test('M-03 every box is named by itself', async () => {
    const reader = fromSecureSession({ key })
    const values = [simple, simple, await made({ foo: 'bar', __ts: 1_700_000_000 })]
    const found = await Promise.all(values.map((value) => opened(reader, `session=${value}`, nowMs)))
    expect(found.map((one) => one?.values)).toEqual([{ foo: 'bar' }, { foo: 'bar' }, { foo: 'bar' }])
    expect(found[0]?.identity).toBe(found[1]?.identity)
    expect(found[0]?.identity).not.toBe(found[2]?.identity)
  })
})

describe('a secret', () => {
  afterEach(() => vi.restoreAllMocks())

  test('M-05 makes the key that libsodium makes of it', async () => {
    const [cookie = ''] = goldenOf('secure-session')
      .filter(({ id }) => id === '@fastify/secure-session.secret')
      .map(({ cookie_header }) => cookie_header)
    expect(await opened(fromSecureSession({ secret }), cookie, nowMs)).toMatchObject({ values: { foo: 'bar' } })
    const salt = 'sixteen letters!'
    const salted = await made({ a: 1, __ts: 1_700_000_000 }, { secret, salt })
    expect(read(salted, { key: secureSessionKey(secret, salt) })).toEqual({ a: 1 })
    expect(read(salted, { key: secretsKey })).toBeNull()
  })

  test('M-01 where Node has no Argon2 the error says what to do, and a key goes', async () => {
    vi.resetModules()
    vi.doMock('node:crypto', async (original) => {
      const { default: crypto, ...named } = await original<{ default: object }>()
      return { ...named, default: { ...crypto, argon2Sync: undefined } }
    })
    const { fromSecureSession } = await import('../../src/migrate/secure-session.ts')
    vi.doUnmock('node:crypto')
    expect(() => fromSecureSession({ secret })).toThrowError(
      expect.objectContaining({
        code: 'config_invalid',
        message: expect.stringContaining('secureSessionKey(secret, salt) once') as string,
      }),
    )
    expect(await opened(fromSecureSession({ key }), `session=${simple}`, nowMs)).toMatchObject({ values: { foo: 'bar' } })
  })
})

test.each([
  ['no key', {}],
  ['an empty key', { key: '' }],
  ['no keys', { key: [] }],
  ['31 bytes', { key: randomBytes(31) }],
  ['base64 of 31 bytes', { key: randomBytes(31).toString('base64') }],
  ['one key of two too short', { key: [key, 'short'] }],
  ['a number', { key: 5 }],
  ['key and secret', { key, secret }],
  ['key and salt', { key, salt: 'sixteen letters!' }],
  ['a short secret', { secret: 'short' }],
  ['a short salt', { secret, salt: 'short' }],
  ['a salt that is a number', { secret, salt: 5 }],
  ['no expiry', { key, expiry: 0 }],
  ['an expiry that is text', { key, expiry: '60' }],
  ['an unknown option', { key, sessionName: 'x' }],
])('M-01 config_invalid: %s', (_what, wrong) => {
  expect(() => fromSecureSession(wrong as never)).toThrowError(expect.objectContaining({ code: 'config_invalid' }))
})

/** A box as version 6 made it, with libsodium. */
async function madeWithout(values: Values): Promise<string> {
  const app = fastify()
  await app.register(secureSession, { key })
  const session = app.createSecureSession({ ...values, __ts: null })
  session.set('__ts' as never, undefined as never)
  const value = app.encodeSecureSession(session)
  await app.close()
  return encodeURIComponent(value)
}

async function application(options: object, readerOptions: SecureSessionOptions) {
  const app = fastify()
  await app.register(secureSession, options as SecureSessionPluginOptions)
  // The types of @fastify/session have taken the name.
  const sessionOf = (request: object) => (request as { session: Pick<Session<Values>, 'set' | 'data'> }).session
  app.get('/set', async (request) => {
    for (const [name, value] of Object.entries(filled)) sessionOf(request).set(name, value)
    return {}
  })
  app.get('/', async (request) => sessionOf(request).data() ?? {})
  return {
    url: await app.listen({ port: 0, host: '127.0.0.1' }),
    close: () => app.close(),
    reader: (more: object): MoveIn => fromSecureSession({ ...readerOptions, ...more }),
  }
}

describeMove({
  title: 'from a Fastify application with @fastify/secure-session',
  stored: false,
  start: () => application({ key, cookie: { path: '/' } }, { key }),
})

describeMove({
  title: 'from one with a secret and a cookie name of its own',
  stored: false,
  start: () => application({ secret, cookieName: 'their-app', cookie: { path: '/' } }, { key: secretsKey, cookieName: 'their-app' }),
})
