import { hkdfSync } from 'node:crypto'
import { base64url, calculateJwkThumbprint, CompactEncrypt, EncryptJWT, jwtDecrypt, type CompactJWEHeaderParameters } from 'jose'
import { describe, expect, test } from 'vitest'
import { fromAuthJs, readAuthJsSession, type AuthJsOptions } from '../../src/migrate/auth-js.ts'
import { describeGolden, junkValues, opened } from './golden.ts'
import { goldenOf } from './golden-cases.ts'
import { jweOf } from './sealed.ts'
import { describeMove, filled, listening } from './two-applications.ts'

type Values = Record<string, unknown>
type Version = 4 | 5

const secret = 'an auth secret of the fixtures'
const madeAt = 1_700_000_000_000
const nowMs = madeAt + 1_000
const endMs = madeAt + 30 * 86_400_000
const names = { 4: 'next-auth.session-token', 5: 'authjs.session-token' } as const
const encs = { 4: 'A256GCM', 5: 'A256CBC-HS512' } as const

const golden = goldenOf('auth-js')
const cookieOf = (asked: string): string => golden.find(({ id }) => id === asked)?.cookie_header ?? ''
const read = (value: string, options: Partial<AuthJsOptions> & { now?: number } = {}) =>
  readAuthJsSession(value, { secret, cookieName: names[5], now: nowMs, ...options })

function keyOf(version: Version, name: string = names[version], enc: 'A256GCM' | 'A256CBC-HS512' = encs[version]): Uint8Array {
  const [salt, info] = version === 4 ? ['', 'NextAuth.js Generated Encryption Key'] : [name, `Auth.js Generated Encryption Key (${name})`]
  return new Uint8Array(hkdfSync('sha256', secret, salt, info, enc === 'A256GCM' ? 32 : 64))
}

/** A token as Auth.js makes it, but with whatever claims and header. */
function made(text: string, header: Partial<CompactJWEHeaderParameters> = {}, version: Version = 5): Promise<string> {
  const enc = (header.enc ?? encs[version]) as 'A256GCM'
  return new CompactEncrypt(Buffer.from(text)).setProtectedHeader({ alg: 'dir', enc, ...header }).encrypt(keyOf(version, undefined, enc))
}

describeGolden({
  file: 'auth-js',
  readerFor: ({ secret, cookie_name, config }) => fromAuthJs({ secret, cookieName: cookie_name, version: config?.['version'] as Version }),
  differences: {
    'auth-js 4.bad.age.within': null,
    'auth-js 5.bad.age.within': null,
    'auth-js 4.bad.zip': null,
    'auth-js 5.bad.zip': null,
    'auth-js 4.header.unknown': null,
    'auth-js 5.header.unknown': null,
  },
})

describe('a cookie', () => {
  test('is read with the secret alone where the name is the one of https', async () => {
    const find = (id: string, options: Partial<AuthJsOptions> = {}) => opened(fromAuthJs({ secret, ...options }), cookieOf(id), nowMs)
    expect(await find('auth-js 5.secure')).toMatchObject({ user: '42', expiresAt: endMs, values: { sub: '42', name: 'Ada' } })
    expect(await find('auth-js 4.secure', { version: 4 })).toMatchObject({ user: '42' })
    expect(await find('auth-js 4.secure', { cookieName: '__Secure-next-auth.session-token' })).toMatchObject({ user: '42' })
    // A cookie without the prefix could be planted by a sibling domain or over http.
    expect(await find('auth-js 5.simple')).toBeNull()
    expect(await find('auth-js 4.simple', { version: 4 })).toBeNull()
  })

  test('S0.4 lives until its exp, and from its nbf on, to the millisecond', async () => {
    const value = cookieOf('auth-js 5.simple').slice(names[5].length + 1)
    expect(read(value, { now: endMs - 1 })).toMatchObject({ sub: '42' })
    expect(read(value, { now: endMs })).toBeNull()
    const timed = await made('{"nbf":1700000001,"exp":1700000002.5}')
    expect([-1, 0, 1_499, 1_500].map((more) => read(timed, { now: nowMs + more }) !== null)).toEqual([false, true, true, false])
    for (const json of ['{"exp":null}', '{"exp":"1900000000"}', '{"exp":-1}', '{"nbf":"0"}', '{"nbf":null}', '{"nbf":1900000000}'])
      expect(read(await made(json)), json).toBeNull()
    expect(read(await made('{"exp":1e400,"a":1}'))).toEqual({ a: 1 })
  })

  test('sub is the user where it can be one, unless map says who', async () => {
    const options = { secret, cookieName: names[5] }
    const userOf = async (json: string, more: Partial<AuthJsOptions> = {}) =>
      (await opened(fromAuthJs({ ...options, ...more }), `${names[5]}=${await made(json)}`, nowMs))?.user
    expect(await userOf('{"sub":"42"}')).toBe('42')
    for (const json of ['{"sub":""}', '{"sub":42}', '{"a":1}']) expect(await userOf(json), json).toBeNull()
    expect(await userOf('{"sub":"42","email":"a@b"}', { map: ({ email, ...values }) => ({ values, user: String(email) }) })).toBe('a@b')
    expect(await userOf('{"sub":"42"}', { map: (values) => ({ values }) })).toBeNull()
  })

  test('M-01 T-08 another secret, name, version or part, another spelling of the same: none', async () => {
    const value = cookieOf('auth-js 5.simple').slice(names[5].length + 1)
    const parts = value.split('.')
    const other = (await made('{"sub":"43"}')).split('.')
    const swapped = (at: number, part = ''): string => parts.map((one, i) => (i === at ? part : one)).join('.')
    for (const text of [
      ...[0, 2, 3, 4].map((at) => swapped(at, other[at])),
      swapped(1, 'AAAA'),
      swapped(4, parts[4]?.slice(0, 22)),
      swapped(4, parts[4]?.slice(0, 42)),
      swapped(4),
      swapped(2, parts[2]?.slice(0, 16)),
      swapped(0, base64url.encode('{"alg":"dir","enc":"A256CBC-HS512"}')),
      swapped(0, base64url.encode('{"alg":"dir","enc":"A256GCM"}')),
      `${value}=`,
      `${value}.`,
      `${value} `,
      `"${value}"`,
      encodeURIComponent(`${value};`),
    ]) {
      expect(read(text), text).toBeNull()
    }
    for (const more of [{ secret: 'another' }, { cookieName: 'other' }, { version: 4 as const }, { cookieName: names[4] }])
      expect(read(value, more)).toBeNull()
    expect(read(value, { secret: ['newer', secret] })).toMatchObject({ sub: '42' })
  })

  test('M-02 none, an RSA key, a compressed text, an extension, a short key: nothing but what Auth.js writes', async () => {
    const payload = base64url.encode('{"sub":"42"}')
    const key = base64url.encode(keyOf(5))
    const short = await new EncryptJWT({ sub: '42' }).setProtectedHeader({ alg: 'dir', enc: 'A128GCM' }).encrypt(new Uint8Array(16))
    for (const value of [
      `${base64url.encode('{"alg":"none"}')}.${payload}.`,
      `${base64url.encode('{"alg":"HS256"}')}.${payload}.${key}`,
      `${base64url.encode('{"alg":"dir","enc":"none"}')}..${'A'.repeat(16)}.${payload}.${'A'.repeat(22)}`,
      `${base64url.encode('{"alg":"dir","enc":"constructor"}')}..${'A'.repeat(16)}.${payload}.${'A'.repeat(22)}`,
      `${base64url.encode('[]')}..${'A'.repeat(16)}.${payload}.${'A'.repeat(22)}`,
      `${base64url.encode('{')}..${'A'.repeat(16)}.${payload}.${'A'.repeat(22)}`,
      short,
      await made('{"sub":"42"}', { typ: 'JWT' }),
      cookieOf('auth-js 5.bad.zip').slice(names[5].length + 1),
    ]) {
      expect(read(value), value).toBeNull()
    }
    // Under the right key, whatever the header says.
    const under = (header: object): unknown => {
      const token = jweOf(Buffer.from(JSON.stringify(header)), Buffer.from('{"sub":"42"}'), keyOf(4))
      return read(token, { version: 4 })
    }
    expect(under({ alg: 'dir', enc: 'A256GCM' })).toEqual({ sub: '42' })
    for (const alg of ['none', 'A256KW', 'RSA-OAEP', '', null, ['dir']]) expect(under({ alg, enc: 'A256GCM' }), `${alg}`).toBeNull()
    for (const more of [{ zip: 'DEF' }, { crit: ['exp'] }, { b64: false }, { epk: {} }])
      expect(under({ alg: 'dir', enc: 'A256GCM', ...more })).toBeNull()
    expect(read(await made('{"sub":"42"}', { enc: 'A256CBC-HS512' }, 4), { version: 4 })).toBeNull()
    // The first betas of version 5 had the encryption of version 4, under a key of their own; version 4 never had that of version 5.
    expect(read(await made('{"sub":"42"}', { enc: 'A256GCM' }))).toEqual({ sub: '42' })
  })

  test.each(['[1]', '"text"', 'null', '5', '', '{', '\0'])('M-02 encrypted, but no object: %j', async (text) => {
    expect(read(await made(text))).toBeNull()
    expect(read(await made(text, {}, 4), { version: 4 })).toBeNull()
  })

  test('S0.5 junk is none, and throws nothing', () => {
    for (const value of [...junkValues, '....', 'e30..AAAA.AAAA.AAAA', null, undefined, 7]) {
      expect(read(value as string)).toBeNull()
      expect(read(value as string, { version: 4 })).toBeNull()
    }
  })

  test('P-01 a key __proto__ is left out', async () => {
    expect(read(await made('{"a":{"__proto__":{"x":1}},"__proto__":{"x":1},"constructor":1}'))).toEqual({ a: {}, constructor: 1 })
    expect({}).not.toHaveProperty('x')
  })

  test('M-03 every token is named by itself', async () => {
    const reader = fromAuthJs({ secret, cookieName: names[5] })
    const tokens = [await made('{"a":1}'), await made('{"a":1}')]
    const found = await Promise.all([...tokens, tokens[0]].map((token) => opened(reader, `${names[5]}=${token}`, nowMs)))
    expect(found[0]?.identity).not.toBe(found[1]?.identity)
    expect(found[0]?.identity).toBe(found[2]?.identity)
  })
})

describe('a cookie in pieces', () => {
  const reader = fromAuthJs({ secret, cookieName: names[5] })
  const pieces = cookieOf('auth-js 5.chunked')

  test('M-01 is no longer asked for where there is a whole one, and all of both are expired', async () => {
    expect(reader.otherNames).toEqual(['authjs.session-token.0'])
    expect(await opened(reader, `${pieces}; ${cookieOf('auth-js 5.simple')}`, nowMs)).toMatchObject({ values: { name: 'Ada' } })
    const all = [
      'authjs.session-token',
      'authjs.session-token.0',
      'authjs.session-token.11',
      'authjs.session-token.x',
      'authjs.session-tokens',
    ]
    expect(reader.expire?.({ all: () => [], names: (is) => all.filter(is) })).toEqual(all.slice(0, 3))
  })

  test('M-05 S0.5 one that is missing, doubled or changed: none', async () => {
    const [theme = '', ...parts] = pieces.split('; ')
    expect(parts).toHaveLength(3)
    for (const header of [
      parts.slice(0, 2).join('; '),
      parts.slice(1).join('; '),
      [parts[0], parts[2]].join('; '),
      `${pieces}; ${names[5]}.3=A`,
      pieces.replace('.1=', '.2=').replace(/\.2=(.*)\.2=/, '.2=$1.1='),
      `${theme}; ${parts[0]?.slice(0, -1)}; ${parts.slice(1).join('; ')}`,
    ]) {
      expect(await opened(reader, header, nowMs)).toBeNull()
    }
    const endless = Array.from({ length: 90 }, (_, n) => `${names[5]}.${n}=${'A'.repeat(4_000)}`).join('; ')
    expect(await opened(reader, endless, nowMs)).toBeNull()
  })
})

test.each([
  [{ secret: undefined }],
  [{ secret: '' }],
  [{ secret: [] }],
  [{ version: 3 }],
  [{ version: '5' }],
  [{ version: 'constructor' }],
  [{ cookieName: '' }],
  [{ cookieName: 5 }],
  [{ salt: 'x' }],
])('M-01 config_invalid: %j', (wrong) => {
  expect(() => fromAuthJs({ secret, ...wrong } as never)).toThrowError(expect.objectContaining({ code: 'config_invalid' }))
})

/** Too much for one cookie. */
const long = { user: 'ada', list: Array.from({ length: 400 }, (_, i) => `role-number-${i}`) }
/** How Auth.js cuts. */
const pieceSize = 4_096 - 160

/** An application with the sessions of Auth.js, which are a JWE of jose; test/fixtures/auth-js.json has those of the real one. */
async function application(version: Version, holding: Values) {
  const name = names[version]
  const [key, enc] = [keyOf(version), encs[version]]
  const kid = await calculateJwkThumbprint({ kty: 'oct', k: base64url.encode(key) }, 'sha512')

  async function setCookies(): Promise<string[]> {
    const token = await new EncryptJWT(holding)
      .setProtectedHeader({ alg: 'dir', enc, ...(version === 5 ? { kid } : {}) })
      .setIssuedAt()
      .setExpirationTime('30d')
      .setJti(crypto.randomUUID())
      .encrypt(key)
    const pieces = token.match(new RegExp(`.{1,${pieceSize}}`, 'g')) ?? []
    return pieces.map((piece, i) => `${name}${pieces.length > 1 ? `.${i}` : ''}=${piece}; Path=/; HttpOnly; SameSite=Lax`)
  }

  const server = await listening(async (req, res) => {
    if (req.url === '/set') return void res.setHeader('set-cookie', await setCookies()).end('{}')
    const pairs = (req.headers.cookie ?? '').split('; ').filter((pair) => pair.startsWith(name))
    const token = pairs.map((pair) => pair.slice(pair.indexOf('=') + 1)).join('')
    const { iat: _iat, exp: _exp, jti: _jti, ...values } = token === '' ? {} : (await jwtDecrypt(token, key)).payload
    res.end(JSON.stringify(values))
  })
  return { ...server, reader: (options: object) => fromAuthJs({ secret, cookieName: name, ...options }) }
}

describeMove({ title: 'from a NextAuth.js 4 application', stored: false, start: () => application(4, filled) })

describeMove({ title: 'from an Auth.js application', stored: false, start: () => application(5, filled) })

describeMove({ title: 'from one whose cookies are in pieces', stored: false, holding: long, start: () => application(5, long) })
