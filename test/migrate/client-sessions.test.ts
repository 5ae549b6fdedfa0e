import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import express, { type RequestHandler } from 'express'
import { describe, expect, test } from 'vitest'
import { fromClientSessions, readClientSession, type ClientSessionsKeys } from '../../src/migrate/client-sessions.ts'
import { describeGolden, expectPlain, junkValues, opened } from './golden.ts'
import { describeMove, filled, listening } from './two-applications.ts'

interface ClientSessions {
  (options: object): RequestHandler
  readonly util: { encode(options: object, content: unknown, duration?: number, createdAt?: number): string }
}

const clientSessions = createRequire(import.meta.url)('client-sessions') as ClientSessions
const secret = 'blargadeeblargblarg-long-enough'
const cookieName = 'mySession'
const nowMs = 1_700_000_001_000
const simple =
  'eU1O5_mqr112oaX-huR0WA.hZK9U55p3erXsuQLhnCLa7ukM0Qr3pD5tui5OsEQP7g.1700000000000.86400000.khOr-2XrVpmoqfsugH0sXQHOJb_QAq78dVffYpnl4LE'

/** A cookie made by the library. */
function made(content: unknown, { duration = 60_000, createdAt = nowMs, ...options }: Record<string, unknown> = {}): string {
  return clientSessions.util.encode({ cookieName, secret, ...options }, content, duration as number, createdAt as number)
}

const read = (value: string, options: ClientSessionsKeys & { now?: number; cookieName?: string } = {}) =>
  readClientSession(value, { ...(options.encryptionKey ? {} : { secret }), cookieName, now: nowMs, ...options })

describeGolden({
  file: 'client-sessions',
  readerFor: ({ secret, cookie_name }) => fromClientSessions({ secret, cookieName: cookie_name }),
})

describe('a cookie', () => {
  test('S0.4 lives for its duration to the millisecond', async () => {
    const value = made({ a: 1 })
    expect(read(value, { now: nowMs + 60_000 })).toEqual({ a: 1 })
    expect(read(value, { now: nowMs + 60_001 })).toBeNull()
    const reader = fromClientSessions({ secret, cookieName })
    expect(await opened(reader, `mySession=${value}`, nowMs)).toMatchObject({ values: { a: 1 }, expiresAt: nowMs + 60_000 })
  })

  test('M-01 T-08 for another key or another name is none, and so is one that is spelled in another way', () => {
    expect(read(simple)).toEqual({ foo: 'bar' })
    const [iv, sealed, createdAt, duration, mac] = simple.split('.')
    for (const value of [
      made({ a: 1 }, { secret: 'guessed' }),
      made({ a: 1 }, { cookieName: 'other' }),
      made({ a: 1 }, { cookieName: 'ourCookie' }),
      `${iv}.${sealed}.${createdAt}.${duration}.`,
      `${iv}.${sealed}.${createdAt}.${duration}`,
      `${iv}.${sealed}.0${createdAt}.${duration}.${mac}`,
      `${iv}.${sealed}.${createdAt}x.${duration}.${mac}`,
      `${iv}.${sealed}.${createdAt}.1e9.${mac}`,
      `${iv}==.${sealed}.${createdAt}.${duration}.${mac}`,
      `${iv}.${sealed}.${createdAt}.${duration}.${mac?.slice(0, -1)}F`,
      `${iv}.${sealed}.${createdAt}.${duration}.${mac?.slice(0, 22)}`,
      simple.replaceAll('-', '+').replaceAll('_', '/'),
      `"${simple}"`,
    ]) {
      expect(read(value), value).toBeNull()
    }
    for (const name of ['other', 'ourCookie', '']) expect(read(simple, { cookieName: name })).toBeNull()
  })

  test('S0.5 junk is none, and throws nothing', () => {
    for (const value of [...junkValues, 'a.b.0.0.c', null, undefined, 7]) expect(read(value as string)).toBeNull()
  })

  test('T-07 with keys of its own, each algorithm, or an older secret it is read', () => {
    const keys = { encryptionKey: randomBytes(16), signatureKey: randomBytes(64) }
    for (const [encryptionAlgorithm, bytes] of [['aes128', 16] as const, ['aes192', 24] as const, ['aes256', 32] as const]) {
      for (const signatureAlgorithm of ['sha256', 'sha256-drop128', 'sha384', 'sha384-drop192', 'sha512', 'sha512-drop256'] as const) {
        const own = { ...keys, encryptionKey: randomBytes(bytes), encryptionAlgorithm, signatureAlgorithm }
        const value = made({ a: [1] }, { ...own, secret: undefined })
        expect(read(value, own), `${encryptionAlgorithm} ${signatureAlgorithm}`).toEqual({ a: [1] })
        expect(read(value, { ...own, signatureKey: randomBytes(64) })).toBeNull()
        // Signed, but sealed under another key: almost never anything, and never a failure.
        expect(read(value, { ...own, encryptionKey: randomBytes(bytes) })).toBeNull()
      }
    }
    expect(read(simple, { secret: ['newer', secret] })).toEqual({ foo: 'bar' })
    const half = { secret, encryptionKey: randomBytes(32) }
    expect(read(made({ a: 1 }, half), half)).toEqual({ a: 1 })
  })

  test.each([[[1]], ['text'], [null], [5]])('M-02 genuine, but no object: %j', (content) => {
    expect(read(made(content))).toBeNull()
  })

  test('P-01 a key __proto__ is left out', () => {
    const found = read(made(JSON.parse('{"a":{"__proto__":{"x":1}},"__proto__":{"x":1},"constructor":1}')))
    expect(found).toEqual({ a: {}, constructor: 1 })
    expectPlain(found)
    expect({}).not.toHaveProperty('x')
  })

  test('M-03 every cookie of a session is named by itself: each time it is written there is another', async () => {
    const reader = fromClientSessions({ secret, cookieName })
    const names = await Promise.all([simple, simple, made({ foo: 'bar' })].map((value) => opened(reader, `mySession=${value}`, nowMs)))
    expect(names[0]?.identity).toBe(names[1]?.identity)
    expect(names[0]?.identity).not.toBe(names[2]?.identity)
  })
})

test.each([
  [{}],
  [{ secret: '' }],
  [{ secret, encryptionAlgorithm: 'aes128' }],
  [{ secret, signatureAlgorithm: 'sha512' }],
  [{ secret, signatureAlgorithm: 'md5' }],
  [{ secret, encryptionAlgorithm: 'constructor' }],
  [{ encryptionKey: randomBytes(32) }],
  [{ encryptionKey: randomBytes(31), signatureKey: randomBytes(32) }],
  [{ encryptionKey: 'x'.repeat(32), signatureKey: randomBytes(32) }],
  [{ secret, requestKey: 'x' }],
])('M-01 config_invalid: %j', (wrong) => {
  expect(() => fromClientSessions(wrong as never)).toThrowError(expect.objectContaining({ code: 'config_invalid' }))
})

describeMove({
  title: 'from an Express application with client-sessions',
  stored: false,
  async start() {
    const app = express()
    app.use(clientSessions({ cookieName, secret, duration: 3_600_000 }))
    const sessionOf = (req: object): object => (req as Record<string, object>)[cookieName] ?? {}
    app.get('/set', (req, res) => {
      Object.assign(sessionOf(req), filled)
      res.json({})
    })
    app.get('/', (req, res) => void res.json(sessionOf(req)))
    return { ...(await listening(app)), reader: (options) => fromClientSessions({ cookieName, secret, ...options }) }
  },
})
