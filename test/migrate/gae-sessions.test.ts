import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { fromGaeSessions, readGaeSessions } from '../../src/migrate/gae-sessions.ts'
import { writePickle } from '../../src/migrate/webapp2.ts'
import { flips, truncations } from '../support/forgery.ts'
import { fixtures, fromTagged, type GaeCase } from './webapp2-fixtures.ts'

const cookieKey = 'gae-sessions-fixture-key-0123456789abcdef'
const sid = '1900604800_4a9a41325d774502f16168543c4e5ba1'
const nowMs = 1_900_000_000_000

function headerOf(pickle: Uint8Array, id = sid, key = cookieKey): string {
  const signature = createHmac('sha256', key + id)
    .update(pickle)
    .digest('base64')
  return `DgU00="${signature}${id}${Buffer.from(pickle).toString('base64')}"`
}

const storedIn = ({ stored }: GaeCase) => {
  const base64 = stored?.memcache?.value_b64 ?? stored?.datastore?.properties.pdump.pickle_b64
  return async (): Promise<Uint8Array | null> => (base64 === undefined ? null : Buffer.from(base64, 'base64'))
}

describe("the real gae-sessions' verdicts", () => {
  test.each(fixtures.gae_sessions.cases.map((one) => [one.id, one] as const))('M-05 S0.16 %s', async (_id, one) => {
    const { cookie_header, secret_key, verify, expect: said, payload_tagged, expires, sid } = one
    const found = await readGaeSessions(cookie_header, { cookieKey: secret_key, stored: storedIn(one), now: verify.now * 1000 })
    if (said.ok)
      expect(found).toEqual({ identity: sid, values: fromTagged(payload_tagged ?? null, true), expiresAt: (expires ?? 0) * 1000 })
    else expect(found).toBeNull()
  })

  test('M-05 S0.2 any bit flipped, cut off anywhere: none', async () => {
    const { cookie_header } = fixtures.gae_sessions.cases[0] as GaeCase
    // The quotes are no part of the value: old browsers send it without.
    const bare = cookie_header.replaceAll('"', '')
    expect(await readGaeSessions(bare, { cookieKey, now: nowMs })).not.toBeNull()
    for (const text of [...flips(bare), ...truncations(bare)]) {
      if (text === bare) continue
      expect(await readGaeSessions(text, { cookieKey, now: nowMs }), text).toBeNull()
    }
  })
})

test('S0.4 it lives until the second its sid names, and without one until the browser closes', async () => {
  const read = (id: string, at: number) => readGaeSessions(headerOf(writePickle([{}, { a: 1 }]), id), { cookieKey, now: at })
  expect(await read(sid, 1_900_604_800_000)).toMatchObject({ values: { a: 1 }, expiresAt: 1_900_604_800_000 })
  expect(await read(sid, 1_900_604_800_001)).toBeNull()
  expect(await read(`0000000000${sid.slice(10)}`, nowMs)).toMatchObject({ expiresAt: null })
})

test('C-08 its base64 has one spelling', async () => {
  const pickles = ['', 'x', 'xx'].map((more) => writePickle([{}, { a: more }]))
  for (const header of pickles.map((pickle) => headerOf(pickle).replaceAll('"', ''))) {
    expect(await readGaeSessions(header, { cookieKey, now: nowMs })).not.toBeNull()
    const last = header.replace(/=+$/, '')
    const neighbour = last.slice(0, -1) + String.fromCharCode(last.charCodeAt(last.length - 1) + 1) + header.slice(last.length)
    for (const text of [neighbour, last === header ? `${header}=` : last, `${header}==`]) {
      expect(await readGaeSessions(text, { cookieKey, now: nowMs }), text).toBeNull()
    }
  }
})

test('S0.6 only a genuine sid is looked up', async () => {
  const asked: string[] = []
  const stored = async (id: string): Promise<null> => {
    asked.push(id)
    return null
  }
  const forged = headerOf(new Uint8Array(), sid, 'another key')
  for (const header of [forged, headerOf(new Uint8Array(), 'x'.repeat(43)), 'DgU00=""', 'DgU00="', '', null]) {
    expect(await readGaeSessions(header, { cookieKey, stored, now: nowMs })).toBeNull()
  }
  expect(asked).toEqual([])
  expect(await readGaeSessions(headerOf(new Uint8Array()), { cookieKey, stored, now: nowMs })).toBeNull()
  expect(asked).toEqual([sid])
})

test('M-02 a pickle that is no pair of dicts, or names a function, is none', async () => {
  for (const pickle of [
    writePickle({ a: 1 }),
    writePickle([{}]),
    writePickle([{}, [1]]),
    writePickle([{}, null]),
    Buffer.from('cos\nsystem\n.'),
    Buffer.from('junk'),
  ]) {
    expect(await readGaeSessions(headerOf(pickle), { cookieKey, now: nowMs })).toBeNull()
  }
})

test('the session is ended where it was kept, and all its cookies are expired', async () => {
  const ended: string[] = []
  const reader = fromGaeSessions({ cookieKey, end: async (id) => void ended.push(id) })
  const cookies = { all: () => [], names: (wanted: (name: string) => boolean) => ['a', 'DgU00', 'DgU01', 'DgU1', 'xDgU02'].filter(wanted) }
  expect(reader.expire?.(cookies)).toEqual(['DgU00', 'DgU01'])
  const value = headerOf(writePickle([{}, { a: 1 }])).slice(7, -1)
  const old = await reader.verify({ all: () => [value], names: () => ['DgU00'] }, nowMs)?.load()
  await old?.end?.()
  expect(ended).toEqual([sid])
})

test.each([[{}], [{ cookieKey: '' }], [{ cookieKey: 7 }], [{ cookieKey, cookie_key: 'x' }], [{ cookieKey, cookieName: 'x' }]])(
  'config_invalid: %j',
  (wrong) => {
    expect(() => fromGaeSessions(wrong as never)).toThrowError(expect.objectContaining({ code: 'config_invalid' }))
  },
)
