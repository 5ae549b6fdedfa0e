/** Options of readers that are nearly right. */
import { expect, test } from 'vitest'
import { oldCookiesOf } from '../../src/http/old-cookies.ts'
import { fromCookieSession, type Keygrip } from '../../src/migrate/cookie-session.ts'
import { fromExpressSession, type SessionStoreInstance } from '../../src/migrate/express-session.ts'
import { fromFastifySession, type FastifySigner } from '../../src/migrate/fastify-session.ts'
import { fromMemcacheSessions } from '../../src/migrate/memcache-sessions.ts'

test('M-01 a Keygrip or a signer that answers later has not verified anything', () => {
  const later = { verify: async () => false, unsign: async () => ({ valid: false, value: null }) }
  const value = Buffer.from('{"user":"admin"}').toString('base64')
  const paired = fromCookieSession({ keys: later as unknown as Keygrip })
  expect(paired.verify(oldCookiesOf(`session=${value}; session.sig=forged`), 0)).toBeNull()
  const store = { get: async () => null, del: async () => 0 }
  const truthy = { unsign: () => ({ valid: later.verify(), value: 'a-session-id-that-is-long' }) } as unknown as FastifySigner
  for (const secret of [later as unknown as FastifySigner, truthy])
    expect(fromFastifySession({ secret, store }).verify(oldCookiesOf('sessionId=a-session-id-that-is-long'), 0)).toBeNull()
})

test('S0.6 an id is whole, whatever flags the pattern has: no line of it names a key of memcached', () => {
  const asked: string[] = []
  const gets = async (key: string): Promise<null> => (asked.push(key), null)
  const reader = fromMemcacheSessions({ memcache: { gets }, cookieName: 'sid', id: /[0-9a-f]{32}/gim, allowUnsignedIds: true })
  const id = '0'.repeat(32)
  for (const forged of [`"${id}\\015\\012flush_all"`, `"x\\012${id}"`, `${id}\nflush_all`])
    expect(reader.verify(oldCookiesOf(`sid=${forged}`), 0)).toBeNull()
  expect(reader.verify(oldCookiesOf(`sid=${id}`), 0)?.identity).toBe(id)
  expect(asked).toEqual([])
})

test.each(['soon 1', '1', '2027', 'after 2027', '01.02.2027', '1/2/2027', '2027-13-01', '2027-03-31T25:00'])(
  'M-06 a sunset that is no date of ISO 8601 is refused, and not taken for another day: %s',
  (sunset) => {
    expect(() => fromCookieSession({ keys: 'k', sunset })).toThrowError(expect.objectContaining({ code: 'config_invalid' }))
  },
)

test('M-06 a sunset is a day, or a moment, with or without a zone', () => {
  const at = (sunset: string): number | null => fromCookieSession({ keys: 'k', sunset }).sunsetAt
  expect(at('2027-03-31')).toBe(Date.UTC(2027, 2, 31))
  expect(at('2027-03-31T12:00:00.000Z')).toBe(Date.UTC(2027, 2, 31, 12))
  expect(at('2027-03-31T12:00+02:00')).toBe(Date.UTC(2027, 2, 31, 10))
  expect(at('2027-03-31T12:00')).toBe(new Date(2027, 2, 31, 12).getTime())
})

test('P-01 a key __proto__ is left out at any depth where a client has parsed the session, and a Date stays one', async () => {
  const stored = JSON.parse('{"cookie":{"expires":null},"a":[{"__proto__":{"x":1},"b":2}],"__proto__":{"x":1}}') as object
  const found = { ...stored, when: new Date(5) }
  const store = { get: (_id, call) => call(null, found), destroy: (_id, call) => call() } satisfies SessionStoreInstance
  const secret = { unsign: () => ({ valid: true, value: 'a-session-id-that-is-long' }) }
  const express = fromExpressSession({ secret: 'keyboard cat', store })
  const cookie = 'connect.sid=s%3ACdp60xWt7ewrGsQT8h7h1sTG8aaFU8Ee.0mrc%2BGvJDu59zm%2BrwPz16cMrdYgAFp6EK1XPfQuvzzI'
  for (const [reader, header] of [
    [express, cookie],
    [fromFastifySession({ secret, store }), 'sessionId=x'],
  ] as const) {
    const old = await reader.verify(oldCookiesOf(header), 0)?.load()
    expect(old?.values).toEqual({ a: [{ b: 2 }], when: new Date(5) })
    const [first] = (old?.values['a'] ?? []) as object[]
    expect(Object.keys(first ?? {})).toEqual(['b'])
  }
})
