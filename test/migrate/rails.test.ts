import { createCipheriv, createHmac, pbkdf2Sync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rubyWithRails } from '../../scripts/servers/languages.ts'
import type { Server } from '../../scripts/servers/launch.ts'
import { deviseUser, fromRails, readRailsCookie, type RailsKeys } from '../../src/migrate/rails.ts'
import { describeWith } from '../support/server.ts'
import { goldenOf, type Golden } from './golden-cases.ts'
import { describeGolden, expectPlain, junkValues, opened, withBigInts } from './golden.ts'
import { inTest, oldProgram } from './old-programs.ts'
import { describeMove, filled } from './two-applications.ts'

const secretKeyBase = 'a secret_key_base as `rails secret` makes it: 0123456789abcdef0123456789abcdef'
const cookieName = '_shop_session'
const nowMs = 1_700_000_001_000
const sid = '4347714ee9fb51b36a00c65c7795e2ad'
const keyOf = (salt: string, bytes: number, digest = 'sha256', secret = secretKeyBase) => pbkdf2Sync(secret, salt, 1_000, bytes, digest)
const base64 = (text: string | Buffer): string => Buffer.from(text as string).toString('base64')

/** What ActiveSupport wraps a message in. */
function marked(value: string | Buffer, pur: string | null = `cookie.${cookieName}`, exp: unknown = null): string {
  return JSON.stringify({ _rails: { message: base64(value), exp, pur } })
}

function sealed(plaintext: string, key = keyOf('authenticated encrypted cookie', 32)): string {
  const iv = Buffer.alloc(12, 7)
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  const parts = [Buffer.concat([cipher.update(plaintext), cipher.final()]), iv, cipher.getAuthTag()]
  return encodeURIComponent(parts.map(base64).join('--'))
}

function signed(data: string, { key = keyOf('signed cookie', 64), digest = 'sha1' } = {}): string {
  return encodeURIComponent(`${base64(data)}--${createHmac(digest, key).update(base64(data)).digest('hex')}`)
}

const read = (value: string, options: Partial<RailsKeys> & { now?: number; cookieName?: string } = {}) =>
  readRailsCookie(value, { secretKeyBase, cookieName, now: nowMs, ...options })

const digestOf = ({ config }: Golden) =>
  String(config?.['key_generator_digest']).startsWith('SHA256') ? ('sha256' as const) : ('sha1' as const)
/** Cookies that Marshal wrote: never read. */
const marshalled = goldenOf('rails').filter(({ id, expect: { ok } }) => ok && id.includes('.marshal.'))

describeGolden({
  file: 'rails',
  readerFor: (one) => fromRails({ secretKeyBase: one.secret, cookieName: one.cookie_name, keyDigest: digestOf(one) }),
  asOurs: (values) => withBigInts(values) as Record<string, unknown>,
  differences: Object.fromEntries(marshalled.map(({ id }) => [id, null])),
})

describe('signed and encrypted cookies of the real Rails', () => {
  test.each(goldenOf('rails-cookies').map((one) => [one.id, one] as const))('M-05 %s', (id, one) => {
    const cookies = Object.fromEntries(
      one.cookie_header.split('; ').map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
    )
    const keys = { secretKeyBase: one.secret, keyDigest: digestOf(one) }
    const isJson = !id.includes('marshal')
    expect(readRailsCookie(cookies['en'], { ...keys, cookieName: 'en', now: nowMs })).toBe(isJson ? 'enc value' : null)
    expect(readRailsCookie(cookies['en'], { ...keys, cookieName: 'en', now: 1_700_003_600_000 })).toBeNull()
    // Rails 7 signs by SHA-1 too unless it is told otherwise; the key is made by its own digest.
    expect(readRailsCookie(cookies['sg'], { ...keys, cookieName: 'sg', now: nowMs, signed: true })).toBe(isJson ? 'signed value' : null)
    expect(readRailsCookie(cookies['sg'], { ...keys, cookieName: 'other', now: nowMs, signed: true })).toBeNull()
    expect(readRailsCookie(cookies['sg'], { ...keys, cookieName: 'sg', now: nowMs })).toBeNull()
  })
})

describe('a cookie', () => {
  const session = `{"session_id":"${sid}","a":1}`

  test('M-01 M-02 T-08 for another key, name, purpose or way, or spelled in another way, is none', () => {
    const genuine = sealed(marked(session))
    expect(read(genuine)).toEqual({ session_id: sid, a: 1 })
    const [ciphertext = '', iv = '', tag = ''] = decodeURIComponent(genuine).split('--')
    for (const value of [
      sealed(marked(session), keyOf('authenticated encrypted cookie', 32, 'sha256', 'guessed')),
      sealed(marked(session), keyOf('encrypted cookie', 32)),
      sealed(marked(session, 'cookie.other')),
      sealed(marked(session, 'other')),
      sealed(marked(session, null)),
      sealed(session),
      signed(marked(session)),
      encodeURIComponent(`${ciphertext}--${iv}`),
      encodeURIComponent(`${ciphertext}--${iv}--${tag}--`),
      encodeURIComponent(`${ciphertext}--${iv}--${base64(Buffer.from(tag, 'base64').subarray(0, 12))}`),
      encodeURIComponent(`${ciphertext}--${base64(Buffer.concat([Buffer.from(iv, 'base64'), Buffer.alloc(4)]))}--${tag}`),
      encodeURIComponent(`${ciphertext}=--${iv}--${tag}`),
      encodeURIComponent(`${ciphertext}\n--${iv}--${tag}`),
      `${genuine}%20`,
      `"${genuine}"`,
    ]) {
      expect(read(value), value).toBeNull()
    }
    expect(read(genuine, { cookieName: 'other' })).toBeNull()
    const given = signed(marked('5555'))
    expect(read(given, { signed: true })).toBe(5555)
    for (const value of [
      genuine,
      signed(marked('5'), { key: keyOf('signed cookie', 64, 'sha256', 'guessed') }),
      signed(marked('5'), { digest: 'sha256' }),
      signed(marked('5', null)),
      `${given}--`,
      given.toUpperCase(),
      decodeURIComponent(given).replace('=--', '--'),
      base64(marked('5')),
    ])
      expect(read(value, { signed: true }), value).toBeNull()
  })

  test('S0.5 junk is none, and throws nothing', () => {
    for (const value of [...junkValues, '--', '----', 'a--b--c', null, undefined, 7])
      for (const signed of [true, false]) expect(read(value as string, { signed, allowWithoutPurpose: true })).toBeNull()
  })

  test('S0.4 is over at its own time, and none with a time that is none', () => {
    const until = (exp: unknown) => sealed(marked(session, undefined, exp))
    const end = '2023-11-14T22:13:22.000Z'
    expect(read(until(end), { now: Date.parse(end) - 1 })).toEqual({ session_id: sid, a: 1 })
    expect(read(until('2023-11-14T23:13:22+01:00'), { now: Date.parse(end) - 1 })).not.toBeNull()
    for (const exp of ['', 'never', '2023', 5, {}]) expect(read(until(exp)), String(exp)).toBeNull()
    expect(read(until(end), { now: Date.parse(end) })).toBeNull()
  })

  test('M-02 genuine, but Marshal, no JSON or no session', async () => {
    const reader = fromRails({ secretKeyBase, cookieName })
    for (const value of ['\x04\b{\x06:\x06ai\x06', '', '{', 'nope'])
      expect(read(sealed(marked(Buffer.from(value, 'latin1')))), value).toBeNull()
    for (const plaintext of ['', '[]', '{"_rails":5}', '{"_rails":{}}', '{"_rails":{"message":5,"pur":"cookie._shop_session"}}'])
      expect(read(sealed(plaintext)), plaintext).toBeNull()
    expect((await opened(reader, `${cookieName}=${sealed(marked('[1]'))}`, nowMs))?.values).toEqual({ [cookieName]: [1] })
  })

  test('T-07 an older secret, either digest of keys, and settings of its own are read where the application has them', () => {
    expect(read(sealed(marked('{}')), { secretKeyBase: ['newer', secretKeyBase] })).toEqual({})
    const sha1 = sealed(marked('{}'), keyOf('authenticated encrypted cookie', 32, 'sha1'))
    expect([read(sha1), read(sha1, { keyDigest: 'sha1' }), read(sha1, { keyDigest: 'sha256' })]).toEqual([{}, {}, null])
    expect(read(sealed(marked('{}'), keyOf('own', 32)), { salt: 'own' })).toEqual({})
    const fast = pbkdf2Sync(secretKeyBase, 'authenticated encrypted cookie', 1, 32, 'sha256')
    expect([read(sealed(marked('{}'), fast)), read(sealed(marked('{}'), fast), { iterations: 1 })]).toEqual([null, {}])
    expect(read(signed(marked('{}'), { digest: 'sha256' }), { signed: true, signedDigest: 'sha256' })).toEqual({})
  })

  test('M-02 what says not which cookie it is, only where that is allowed', () => {
    const allowed = { allowWithoutPurpose: true }
    expect(read(sealed(session), allowed)).toEqual({ session_id: sid, a: 1 })
    expect(read(sealed(marked(session, null)), allowed)).toEqual({ session_id: sid, a: 1 })
    expect(read(sealed(marked(session)), allowed)).toEqual({ session_id: sid, a: 1 })
    expect(read(sealed(marked(session, 'cookie.other')), allowed)).toBeNull()
    expect(read(sealed('\x04\b{\0'), allowed)).toBeNull()
    expect(read(signed(session), { ...allowed, signed: true })).toEqual({ session_id: sid, a: 1 })
  })

  test('M-03 is named by its session_id, whatever it was written with and however often; without one by itself', async () => {
    const reader = fromRails({ secretKeyBase, cookieName })
    const namesOf = async (...values: string[]) =>
      Promise.all(values.map(async (value) => (await opened(reader, `${cookieName}=${value}`, nowMs))?.identity))
    const [one, later] = await namesOf(
      sealed(marked(session)),
      sealed(marked(`{"a":2,"session_id":"${sid}"}`, undefined, '2099-01-01T00:00:00Z')),
    )
    expect([one, later]).toEqual([sid, sid])
    const [first, again, other] = await namesOf(sealed(marked('{"a":1}')), sealed(marked('{"a":1}')), sealed(marked('{"a":2}')))
    expect(first).toMatch(/^[0-9a-f]{64}$/)
    expect(again).toBe(first)
    expect(other).not.toBe(first)
    const ends = await opened(reader, `${cookieName}=${sealed(marked(session, undefined, '2099-01-01T00:00:00Z'))}`, nowMs)
    expect(ends).toMatchObject({ values: { a: 1 }, expiresAt: null })
    const single = await opened(reader, `${cookieName}=${sealed(marked('5', undefined, '2099-01-01T00:00:00Z'))}`, nowMs)
    expect(single).toMatchObject({ values: { [cookieName]: 5 }, expiresAt: Date.parse('2099-01-01T00:00:00Z') })
  })

  test('P-01 a key __proto__ is left out', () => {
    const found = read(sealed(marked('{"a":{"__proto__":{"x":1}},"__proto__":{"x":1},"constructor":1}')))
    expect(found).toEqual({ a: {}, constructor: 1 })
    expectPlain(found)
  })
})

test('deviseUser: who is signed in, and what is left', () => {
  const signedIn = { 'warden.user.user.key': [[1], '$2a$12$ab'], 'warden.user.user.session': { last_request_at: 5 }, a: 1 }
  expect(deviseUser(signedIn)).toEqual({ values: { a: 1 }, user: '1' })
  expect(deviseUser({ 'warden.user.user.key': [['b7f1'], null] })).toEqual({ values: {}, user: 'b7f1' })
  for (const key of [undefined, null, 5, [], [[]], [[1, 2], 'x'], [[1.5], 'x'], [[''], 'x'], [{ 0: 1 }, 'x']]) {
    const values = { 'warden.user.user.key': key, a: 1 }
    expect(deviseUser(values)).toEqual({ values, user: null })
  }
})

test.each([
  [{}],
  [{ secretKeyBase }],
  [{ cookieName }],
  [{ secretKeyBase: '', cookieName }],
  [{ secretKeyBase, cookieName, keyDigest: 'md5' }],
  [{ secretKeyBase, cookieName, iterations: 0 }],
  [{ secretKeyBase, cookieName, signed: 'yes' }],
  [{ secretKeyBase, cookieName, signedDigest: 'sha256' }],
  [{ secretKeyBase, cookieName, signed: true, signedDigest: 'md5' }],
  [{ secretKeyBase, cookieName, salt: 5 }],
  [{ secretKeyBase, cookieName, allowWithoutPurpose: 1 }],
  [{ secretKeyBase, cookieName, serializer: 'marshal' }],
])('M-01 config_invalid: %#', (wrong) => {
  expect(() => fromRails(wrong as never)).toThrowError(expect.objectContaining({ code: 'config_invalid' }))
})

describeWith(['rails'], 'the real Rails', () => {
  const started = (config: object = {}): Promise<Server> =>
    oldProgram({
      name: 'rails',
      command: (port) => [rubyWithRails() ?? '', inTest('ruby', 'rails_app.rb'), String(port)],
      env: { RAILS_CONFIG: JSON.stringify({ secret_key_base: secretKeyBase, key: cookieName, serializer: 'json', ...config }) },
    })

  describeMove({
    title: 'from a Rails application',
    stored: false,
    async start() {
      const server = await started({ expire_after: 3_600 })
      return { url: server.url, reader: (options) => fromRails({ secretKeyBase, cookieName, ...options }), close: () => server.stop() }
    },
  })

  describe('other cookies', () => {
    let server: Server
    beforeAll(async () => void (server = await started({ metadata: false })))
    afterAll(() => server.stop())

    const cookiesOf = async (path: string) => {
      const lines = (await fetch(server.url + path)).headers.getSetCookie()
      return new Map(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1).split(';')[0] ?? '']))
    }

    test('M-05 signed and encrypted values, and a session without metadata, are read where the options say so', async () => {
      const cookies = await cookiesOf('/cookies')
      const given = { secretKeyBase, allowWithoutPurpose: true }
      expect(readRailsCookie(cookies.get('user_id'), { ...given, cookieName: 'user_id', signed: true })).toBe(42)
      expect(readRailsCookie(cookies.get('cart'), { ...given, cookieName: 'cart' })).toEqual({ items: ['hat'] })
      expect(readRailsCookie(cookies.get('cart'), { ...given, cookieName: 'cart', now: Date.now() + 3_601_000 })).toBeNull()
      const session = (await cookiesOf('/set')).get(cookieName)
      expect(readRailsCookie(session, { secretKeyBase, cookieName })).toBeNull()
      expect(readRailsCookie(session, { ...given, cookieName })).toMatchObject(filled)
    })
  })
})
