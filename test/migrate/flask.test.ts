import { createHmac, createHash } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pythonWith } from '../../scripts/servers/languages.ts'
import type { Server } from '../../scripts/servers/launch.ts'
import { flaskLoginUser, fromFlask, readFlaskCookie, type FlaskKeys } from '../../src/migrate/flask.ts'
import { describeWith } from '../support/server.ts'
import { describeGolden, expectPlain, junkValues, opened, withBigInts } from './golden.ts'
import { inTest, oldProgram } from './old-programs.ts'
import { describeMove } from './two-applications.ts'

const secretKey = 'flask-secret'
const nowMs = 1_700_000_001_000
const simple = 'eyJmb28iOiJiYXIifQ.ZVPxAA.1_MNtm2qJMC2FSFWcvRi-GXou9M'
const read = (value: string, options: Partial<FlaskKeys> & { now?: number } = {}) =>
  readFlaskCookie(value, { secretKey, now: nowMs, ...options })

/** A cookie as itsdangerous makes it. */
function made(payload: string | Buffer, { at = 1_700_000_000, key = derived(), digest = 'sha1', deflate = false } = {}): string {
  const bytes = Buffer.from(payload as string)
  const time = Buffer.from(at.toString(16).padStart(at > 0xffffffff ? 10 : 8, '0'), 'hex')
  const signed = `${deflate ? '.' : ''}${(deflate ? deflateSync(bytes) : bytes).toString('base64url')}.${time.toString('base64url')}`
  return `${signed}.${createHmac(digest, key).update(signed).digest('base64url')}`
}

function derived(secret: string | Buffer = secretKey, digest = 'sha1', salt = 'cookie-session'): Buffer {
  return createHmac(digest, secret).update(salt).digest()
}

/** The fixtures' words for what JSON has none for. */
function asOurs(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(asOurs)
  const [[tag, inner] = ['', null]] = Object.entries(value)
  if (tag === '$tuple') return asOurs(inner)
  if (tag === '$bytes') return Uint8Array.from(Buffer.from(String(inner), 'base64'))
  if (tag === '$datetime') return new Date(String(inner))
  if (tag === '$uuid') return inner
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, asOurs(one)]))
}

const withoutProto = { constructor: 1 }

describeGolden({
  file: 'flask',
  readerFor: ({ secret, cookie_name }) => fromFlask({ secretKey: secret, cookieName: cookie_name }),
  asOurs: (values) => asOurs(withBigInts(values)) as Record<string, unknown>,
  differences: {
    'flask.protokeys': withoutProto,
    'flask-new.protokeys': withoutProto,
  },
})

describe('a cookie', () => {
  test('S0.4 lives for its lifetime, to the second, and is none before its time', async () => {
    const reader = fromFlask({ secretKey, lifetime: 60 })
    const at = (now: number) => opened(reader, `session=${simple}`, now)
    expect(await at(1_700_000_060_999)).toMatchObject({ values: { foo: 'bar' }, expiresAt: 1_700_000_061_000 })
    expect(await at(1_700_000_061_000)).toBeNull()
    expect(await at(1_699_999_999_999)).toBeNull()
  })

  test('M-01 T-08 for another key or salt is none, and so is one that is spelled in another way', () => {
    expect(read(simple)).toEqual({ foo: 'bar' })
    const [payload, time, signature] = simple.split('.') as [string, string, string]
    for (const value of [
      made('{"a":1}', { key: derived('guessed') }),
      made('{"a":1}', { key: derived(secretKey, 'sha1', 'password-reset') }),
      made('{"a":1}', { key: Buffer.from(secretKey) }),
      made('{"a":1}', { digest: 'sha256', key: derived(secretKey, 'sha256') }),
      `${payload}.${time}.`,
      `${payload}.${signature}`,
      `${payload}.${time}.${signature}=`,
      `${payload}=.${time}.${signature}`,
      `${payload}.${time}.${signature.slice(0, -1)}N`,
      simple.replaceAll('-', '+').replaceAll('_', '/'),
      `"${simple}"`,
      `.${simple}`,
    ]) {
      expect(read(value), value).toBeNull()
    }
    expect(read(made('{"a":1}', { at: 1_000 }), { now: 1_001_000 })).toBeNull()
  })

  test('S0.5 junk is none, and throws nothing', () => {
    for (const value of [...junkValues, '..', '.a.b.c', null, undefined, 7]) expect(read(value as string)).toBeNull()
  })

  test('T-07 an older secret, a secret of bytes, another salt, digest or derivation is read where the application has them', () => {
    const bytes = Buffer.from('\x8f\xff\0', 'latin1')
    expect(read(simple, { secretKey: ['newer', secretKey] })).toEqual({ foo: 'bar' })
    expect(read(made('{"a":1}', { key: derived(bytes) }), { secretKey: bytes })).toEqual({ a: 1 })
    expect(read(made('{"a":1}', { key: derived(secretKey, 'sha1', 'own') }), { salt: 'own' })).toEqual({ a: 1 })
    for (const digest of ['sha256', 'sha384', 'sha512'] as const)
      expect(read(made('{"a":1}', { digest, key: derived(secretKey, digest) }), { digest })).toEqual({ a: 1 })
    const hashed = (text: string): Buffer => createHash('sha1').update(text).digest()
    for (const [keyDerivation, key] of [
      ['concat', hashed(`cookie-session${secretKey}`)],
      ['django-concat', hashed(`cookie-sessionsigner${secretKey}`)],
      ['none', Buffer.from(secretKey)],
    ] as const) {
      expect(read(made('{"a":1}', { key }), { keyDerivation }), keyDerivation).toEqual({ a: 1 })
    }
  })

  test.each(['', '[1]', '"text"', 'null', '5', '{', '{"a":{" t":5}}', '{"a":{" b":"x"}}', '{"a":{" u":"12"}}', '{"a":{" d":"today"}}'])(
    'M-02 P-04 signed, but nothing Flask writes: %s',
    (json) => {
      expect(read(made(json))).toBeNull()
    },
  )

  test('M-02 D-04 deflated to nothing, to too much, or not at all: none', () => {
    expect(read(made(`{"a":"${'x'.repeat(200_000)}"}`, { deflate: true }))).toEqual({ a: 'x'.repeat(200_000) })
    expect(read(made(`{"a":"${'x'.repeat(1_000_000)}"}`, { deflate: true }))).toBeNull()
    expect(read(made('', { deflate: true }))).toBeNull()
    const signed = `.${Buffer.from('{"a":1}').toString('base64url')}.ZVPxAA`
    expect(read(`${signed}.${createHmac('sha1', derived()).update(signed).digest('base64url')}`)).toBeNull()
    expect(read(made(`{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`))).toBeNull()
  })

  test('P-01 a key __proto__ is left out, at any depth and behind any tag', () => {
    const found = read(made('{"a":{" t":[{"__proto__":{"x":1},"b":1}]},"__proto__":{"x":1},"c":{" di":{" t__":{"\\u005f_proto__":1}}}}'))
    expect(found).toEqual({ a: [{ b: 1 }], c: { ' t': {} } })
    expectPlain(found)
    expect({}).not.toHaveProperty('x')
  })

  test('M-03 is named by what was signed: another time, another cookie', async () => {
    const reader = fromFlask({ secretKey: [secretKey, 'older'] })
    const cookies = [made('{"a":1}'), made('{"a":1}', { key: derived('older') }), made('{"a":1}', { at: 1_700_000_001 })]
    const [one, resigned, later] = await Promise.all(cookies.map((value) => opened(reader, `session=${value}`, nowMs)))
    expect(one?.identity).toBe(resigned?.identity)
    expect(one?.identity).not.toBe(later?.identity)
  })
})

test('flaskLoginUser: who is signed in, and what is left', () => {
  const values = { _user_id: '7', _fresh: true, _id: 'ab', _remember: 'set', _remember_seconds: 5, _flashes: [], a: 1 }
  expect(flaskLoginUser(values)).toEqual({ values: { _flashes: [], a: 1 }, user: '7' })
  for (const user of [undefined, '', 7, null]) {
    const values = { _user_id: user, a: 1 }
    expect(flaskLoginUser(values)).toEqual({ values, user: null })
  }
})

test.each([
  [{}],
  [{ secretKey: '' }],
  [{ secretKey: [] }],
  [{ secretKey: 5 }],
  [{ secretKey, secret: 'x' }],
  [{ secretKey, digest: 'md5' }],
  [{ secretKey, keyDerivation: 'constructor' }],
  [{ secretKey, lifetime: 0 }],
  [{ secretKey, lifetime: '31 days' }],
  [{ secretKey, salt: 5 }],
])('M-01 config_invalid: %j', (wrong) => {
  expect(() => fromFlask(wrong as never)).toThrowError(expect.objectContaining({ code: 'config_invalid' }))
})

describeWith(['flask'], 'the real Flask', () => {
  const secret = 'a secret of Flask: clé'
  const started = (): Promise<Server> =>
    oldProgram({
      name: 'flask',
      command: (port) => [pythonWith('flask') ?? '', inTest('python', 'flask_app.py'), String(port)],
      env: { FLASK_CONFIG: JSON.stringify({ SECRET_KEY: secret, PERMANENT_SESSION_LIFETIME: 3_600 }) },
    })

  describeMove({
    title: 'from a Flask application',
    stored: false,
    async start() {
      const server = await started()
      return {
        url: server.url,
        reader: (options) => fromFlask({ secretKey: secret, lifetime: 3_600, ...options }),
        close: () => server.stop(),
      }
    },
  })

  describe('a session of every type', () => {
    let server: Server
    beforeAll(async () => void (server = await started()))
    afterAll(() => server.stop())

    test('M-05 P-04 comes along', async () => {
      const [cookie = ''] = (await fetch(`${server.url}/types`)).headers.getSetCookie()
      const value = cookie.slice('session='.length, cookie.indexOf(';'))
      expect(value.startsWith('.')).toBe(true)
      expect(readFlaskCookie(value, { secretKey: secret, lifetime: 3_600 })).toEqual({
        _flashes: [['message', 'saved']],
        _permanent: true,
        tuple: [1, ['x'], []],
        bytes: Uint8Array.of(0, 255),
        moment: new Date('2012-01-20T01:02:03Z'),
        uuid: '12345678-1234-5678-1234-567812345678',
        markup: '<b>',
        tagged: { ' t': 'looks like a tag' },
        long: 'x'.repeat(3000),
        big: 2n ** 70n,
        odd: [Number.NaN, Number.POSITIVE_INFINITY, '\ud800'],
      })
    })
  })
})
