import { createHmac } from 'node:crypto'
import { createCookieSessionStorage, createSessionStorage, type SessionIdStorageStrategy, type SessionStorage } from 'react-router'
import { describe, expect, test } from 'vitest'
import { fromReactRouter, readReactRouterSession, type ReactRouterStorage } from '../../src/migrate/react-router.ts'
import { describeGolden, expectPlain, junkValues, opened } from './golden.ts'
import { describeMove, filled, listening } from './two-applications.ts'

type Values = Record<string, unknown>

const secrets = ['s3cr3t', 'old']
const id = '6d0be1f0-80f1-466e-a469-8c50db919d2f'

function valueOf(json: string | Uint8Array, { secret = 's3cr3t', signed = true } = {}): string {
  const payload = Buffer.from(json as string).toString('base64')
  const signature = createHmac('sha256', secret).update(payload).digest('base64').replaceAll('=', '')
  return encodeURIComponent(signed ? `${payload}.${signature}` : payload)
}

const headerOf = (json: string, options = {}): string => `__session=${valueOf(json, options)}`

function storageOf(entries: Readonly<Record<string, object | null>> = {}) {
  const rows = new Map(Object.entries(entries))
  const asked: string[] = []
  const readData = async (key: string) => (asked.push(key), rows.get(key) ?? null)
  return { rows, asked, readData, deleteData: async (key: string) => void rows.delete(key) }
}

describeGolden({
  file: 'react-router',
  readerFor: ({ secret, cookie_name }) => fromReactRouter({ secrets: secret, cookieName: cookie_name }),
  differences: { 'react-router createCookieSessionStorage.unsigned': 'config_invalid' },
})

describe('a session in the cookie', () => {
  const read = (value: string) => readReactRouterSession(value, { secrets })

  test('T-07 is read with either secret, percent-encoded or as it stands', () => {
    for (const secret of secrets) expect(read(valueOf('{"a":1}', { secret }))).toEqual({ a: 1 })
    expect(read(decodeURIComponent(valueOf('{"a":1}')))).toEqual({ a: 1 })
  })

  test('M-01 another secret, no signature, another spelling of the same: none', () => {
    const bare = decodeURIComponent(valueOf('{"a":1}'))
    for (const value of [
      valueOf('{"a":1}', { secret: 'guessed' }),
      valueOf('{"a":1}', { signed: false }),
      `${bare.split('.')[0]}.`,
      `${bare}=`,
      `${bare} `,
      valueOf('{"a":1}').replaceAll('%3D', '%3d'),
      `"${bare}"`,
    ]) {
      expect(read(value), value).toBeNull()
    }
  })

  test('S0.5 junk is none, and throws nothing', () => {
    for (const value of [...junkValues, null, undefined, 7]) expect(read(value as string)).toBeNull()
  })

  test.each(['', '{', '[1]', '"text"', 'null', '5'])('M-02 signed, but no object: %s', (json) => {
    expect(read(valueOf(json))).toBeNull()
  })

  test('M-02 bytes that are no UTF-8 are none; what the library writes of all Unicode is read', async () => {
    expect(read(valueOf(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])))).toBeNull()
    const values = { text: 'é山🍪\u0080\ufeff\ud800"%u0041%41', '🍪': null }
    const storage = createCookieSessionStorage({ cookie: { name: '__session', secrets } })
    const session = await storage.getSession()
    for (const [name, value] of Object.entries(values)) session.set(name, value)
    const [pair = ''] = (await storage.commitSession(session)).split(';')
    expect(read(pair.slice('__session='.length))).toEqual(values)
  })

  test('P-01 a key __proto__ is left out', () => {
    const found = read(valueOf('{"a":[{"__proto__":{"x":1}}],"__proto__":{"x":1},"constructor":1}'))
    expect(found).toEqual({ a: [{}], constructor: 1 })
    expectPlain(found)
    expect({}).not.toHaveProperty('x')
  })

  test('M-03 signed again with a newer secret it is the same session', async () => {
    const reader = fromReactRouter({ secrets })
    const [before, after] = await Promise.all(secrets.map((secret) => opened(reader, headerOf('{"a":1}', { secret }), 0)))
    expect(before).toMatchObject({ values: { a: 1 }, expiresAt: null })
    expect(after?.identity).toBe(before?.identity)
  })
})

describe('a session in a storage', () => {
  const rows = { [id]: { a: 1 } }

  test('M-01 S0.6 values in the cookie, an id that is none and one that is not signed never reach it', async () => {
    const storage = storageOf(rows)
    const reader = fromReactRouter({ secrets, storage })
    for (const header of [
      headerOf('{"a":1}'),
      headerOf('"short"'),
      headerOf('"../../../../etc/passwd"'),
      headerOf(`"${id}","a":"b"`),
      headerOf('5'),
      headerOf(`"${id}"`, { signed: false }),
      headerOf(`"${id}"`, { secret: 'guessed' }),
      `__session=${id}`,
    ]) {
      expect(await opened(reader, header, 0)).toBeNull()
    }
    expect(storage.asked).toEqual([])
    const old = await opened(reader, headerOf(`"${id}"`), 0)
    expect(old).toMatchObject({ identity: id, values: { a: 1 }, expiresAt: null })
    await old?.end?.()
    expect(storage.rows.size).toBe(0)
    // And the other way round.
    expect(await opened(fromReactRouter({ secrets }), headerOf(`"${id}"`), 0)).toBeNull()
  })

  test('M-01 unsigned ids are taken only where that is written', async () => {
    const reader = fromReactRouter({ storage: storageOf(rows), allowUnsignedIds: true })
    expect(await opened(reader, headerOf(`"${id}"`, { signed: false }), 0)).toMatchObject({ values: { a: 1 } })
  })

  test('one that cannot delete has nothing ended', async () => {
    const { readData } = storageOf(rows)
    const old = await opened(fromReactRouter({ secrets, storage: { readData } }), headerOf(`"${id}"`), 0)
    await expect(old?.end?.()).resolves.toBeUndefined()
  })
})

test.each([
  [{ secrets: undefined }],
  [{ secrets: [] }],
  [{ secrets: '' }],
  [{ secret: 'x' }],
  [{ storage: {} }],
  [{ id: /x/ }],
  [{ storage: storageOf(), id: 'x' }],
  [{ allowUnsignedIds: true }],
  [{ allowUnsignedIds: true, secrets: undefined }],
  [{ allowUnsignedIds: true, storage: storageOf() }],
])('M-01 config_invalid: %j', (wrong) => {
  expect(() => fromReactRouter({ secrets, ...wrong } as never)).toThrowError(expect.objectContaining({ code: 'config_invalid' }))
})

/** Their application, on node:http, and a reader of it. */
async function application(sessions: SessionStorage, storage: ReactRouterStorage | null) {
  const server = await listening(async (req, res) => {
    const session = await sessions.getSession(req.headers.cookie)
    if (req.url !== '/set') return void res.end(JSON.stringify(session.data))
    for (const [name, value] of Object.entries(filled)) session.set(name, value)
    res.setHeader('set-cookie', await sessions.commitSession(session)).end('{}')
  })
  return { ...server, reader: (options: object) => fromReactRouter({ secrets, ...(storage === null ? {} : { storage }), ...options }) }
}

describeMove({
  title: 'from a React Router application with createCookieSessionStorage',
  stored: false,
  start: () => application(createCookieSessionStorage({ cookie: { name: '__session', secrets } }), null),
})

describeMove({
  title: 'from a React Router application with createSessionStorage',
  stored: true,
  start() {
    const rows = new Map<string, Values>()
    const strategy: Omit<SessionIdStorageStrategy, 'cookie'> = {
      async createData(data) {
        const id = crypto.randomUUID()
        rows.set(id, data)
        return id
      },
      readData: async (id) => rows.get(id) ?? null,
      updateData: async (id, data) => void rows.set(id, data),
      deleteData: async (id) => void rows.delete(id),
    }
    return application(createSessionStorage({ cookie: { name: '__session', secrets }, ...strategy }), strategy)
  },
})
