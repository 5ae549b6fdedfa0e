import { getIronSession, sealData } from 'iron-session'
import { describe, expect, test } from 'vitest'
import { createSessions } from '../../src/index.ts'
import { fromIronSession, readIronSession } from '../../src/migrate/iron-session.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { describeGolden, junkValues, opened } from './golden.ts'
import { goldenOf } from './golden-cases.ts'
import { describeMove, filled, listening } from './two-applications.ts'

type Values = Record<string, unknown>

const password = 'complex_password_at_least_32_characters_long'
const newer = 'a_newer_password_of_more_than_32_characters'
const cookieName = 'iron-session'
const [simple = ''] = goldenOf('iron-session').map(({ cookie_header }) => cookie_header.slice(cookieName.length + 1))
const nowMs = 1_700_000_001_000
const endMs = 1_701_209_600_000

const read = (value: string, now = nowMs) => readIronSession(value, { password, now })

describeGolden({
  file: 'iron-session',
  readerFor: ({ secret, cookie_name }) => fromIronSession({ cookieName: cookie_name, password: secret as string }),
  differences: {
    'iron-session 6.bad.age.within': null,
    'iron-session 9.bad.age.within': null,
    'iron-session 9.bad.noversion': null,
    'iron-session 9.bad.version9': null,
    'iron-session 6.bad.array': null,
  },
})

describe('a cookie', () => {
  test('S0.4 lives until the millisecond its seal names, and without one until the sunset', async () => {
    expect(read(simple, endMs - 1)).toEqual({ foo: 'bar' })
    expect(read(simple, endMs)).toBeNull()
    const reader = fromIronSession({ cookieName, password })
    expect(await opened(reader, `${cookieName}=${simple}`, nowMs)).toMatchObject({ values: { foo: 'bar' }, expiresAt: endMs })
    const endless = await sealData({ a: 1 }, { password, ttl: 0 })
    expect(await opened(reader, `${cookieName}=${endless}`, nowMs)).toMatchObject({ values: { a: 1 }, expiresAt: null })
  })

  test('M-01 another password, parts of another seal, another spelling of the same: none', async () => {
    const other = await sealData({ foo: 'else' }, { password, ttl: 0 })
    const parts = simple.split('*')
    const swapped = (at: number, part: string): string => parts.map((one, i) => (i === at ? part : one)).join('*')
    expect(read(other)).toEqual({ foo: 'else' })
    for (const value of [
      await sealData({ foo: 'bar' }, { password: newer }),
      ...other.split('*').map((part, at) => (at < 2 ? `${simple}*` : swapped(at, part))),
      swapped(1, '2'),
      swapped(1, ''),
      swapped(1, '__proto__'),
      swapped(1, 'constructor'),
      swapped(2, (parts[2] ?? '').toUpperCase()),
      swapped(2, ''),
      swapped(3, `${parts[3]}==`),
      swapped(5, `0${parts[5]}`),
      swapped(5, ''),
      swapped(5, '9'.repeat(400)),
      swapped(5, 'Infinity'),
      swapped(6, ''),
      swapped(7, `${parts[7]?.slice(0, 42)}~2`),
      simple.slice(0, -2),
      `${simple.slice(0, -1)}1`,
      simple.replaceAll('-', '+').replaceAll('_', '/'),
      simple.replaceAll('*', '%2A'),
      `"${simple}"`,
      ` ${simple}`,
    ]) {
      expect(read(value), value).toBeNull()
    }
  })

  test('S0.5 junk is none, and throws nothing', () => {
    const stars = ['*'.repeat(7), 'Fe26.2*******~2', `Fe26.2*1**${'A'.repeat(22)}*${'A'.repeat(22)}***${'A'.repeat(43)}~2`]
    for (const value of [...junkValues, ...stars, null, undefined, 7]) expect(read(value as string)).toBeNull()
  })

  test('P-01 a key __proto__ is left out', async () => {
    const values = JSON.parse('{"a":{"__proto__":{"x":1}},"constructor":1}') as Values
    expect(read(await sealData(values, { password }))).toEqual({ a: {}, constructor: 1 })
    expect({}).not.toHaveProperty('x')
  })

  test('M-03 every seal is named by itself, whatever stands behind it', async () => {
    const reader = fromIronSession({ cookieName, password })
    const seals = [simple, simple, await sealData({ foo: 'bar' }, { password })]
    const found = await Promise.all(seals.map((seal) => opened(reader, `${cookieName}=${seal}`, nowMs)))
    expect(found[0]?.identity).toBe(found[1]?.identity)
    expect(found[0]?.identity).not.toBe(found[2]?.identity)
  })
})

describe('a cookie in pieces', () => {
  const [whole, pieces] = ['iron-session 9.simple', 'iron-session 9.chunked'].map(
    (asked) => goldenOf('iron-session').find(({ id }) => id === asked)?.cookie_header ?? '',
  )
  const reader = fromIronSession({ cookieName, password })
  const names = (header: string) => reader.expire?.({ all: () => [], names: (is) => header.match(/[\w.-]+(?==)/g)?.filter(is) ?? [] })

  test('M-01 is no longer asked for where there is a whole one, and all of both are expired', async () => {
    expect(reader.otherNames).toEqual(['iron-session.0'])
    expect(await opened(reader, `${pieces}; ${whole}`, nowMs)).toMatchObject({ values: { foo: 'bar' } })
    expect(names(`${pieces}; ${whole}; iron-session.x=1; iron-sessions=1; iron-session.0000=1`)).toEqual([
      'iron-session.0',
      'iron-session.1',
      'iron-session',
    ])
  })

  test('S0.5 endless ones are none', async () => {
    const many = Array.from({ length: 90 }, (_, n) => `iron-session.${n}=${'A'.repeat(16_000)}`).join('; ')
    expect(await opened(reader, many, nowMs)).toBeNull()
  })
})

test.each([
  [{ password: undefined }],
  [{ password: 'short' }],
  [{ password: {} }],
  [{ password: { 1: 'short' } }],
  [{ password: { a: password } }],
  [{ password: { 1: password, 2: null } }],
  [{ password: null }],
  [{ cookieName: undefined }],
  [{ cookieName: '' }],
  [{ ttl: 1 }],
])('M-01 config_invalid: %j', (wrong) => {
  expect(() => fromIronSession({ cookieName, password, ...wrong } as never)).toThrowError(
    expect.objectContaining({ code: 'config_invalid' }),
  )
})

/** Too much for one cookie. */
const long = { user: 'ada', list: Array.from({ length: 260 }, (_, i) => `item number ${i}`) }

async function application(password: string | Record<number, string>, values: Values = filled) {
  const cookieName = 'their-app'
  const options = { cookieName, password, chunk: true, cookieOptions: { secure: false } }
  const server = await listening(async (req, res) => {
    const session = await getIronSession<Values>(req, res, options)
    if (req.url !== '/set') return void res.end(JSON.stringify(session))
    Object.assign(session, values)
    await session.save()
    res.end('{}')
  })
  return { ...server, reader: (more: object) => fromIronSession({ cookieName, password, ...more }) }
}

describeMove({ title: 'from an iron-session application', stored: false, start: () => application(password) })

describeMove({ title: 'from one with two passwords', stored: false, start: () => application({ 1: password, 2: newer }) })

describeMove({ title: 'from one whose cookies are in pieces', stored: false, holding: long, start: () => application(password, long) })

test('M-01 config_invalid: two readers, of which one reads the pieces of the other', () => {
  const readers = [cookieName, `${cookieName}.0`].map((cookieName) => fromIronSession({ cookieName, password }))
  expect(() => createSessions({ secret: newer, store: memoryStore(), moveIn: readers })).toThrowError(
    expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining('"iron-session.0"') as string }),
  )
})
