import { Datastore } from '@google-cloud/datastore'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  readPickle,
  webapp2Datastore,
  webapp2Memcache,
  webapp2Sessions,
  writePickle,
  writeWebapp2Cookie,
  type Webapp2Backend,
  type Webapp2Sessions,
} from '../../src/migrate/webapp2.ts'
import { googleClientOptions } from '../support/google.ts'
import { TestMemcache } from '../support/memcache-client.ts'
import { describeWith, sharedServer } from '../support/server.ts'
import { casesOf, fromTagged, type Case } from './webapp2-fixtures.ts'

const secretKey = 'my-super-secret-key'
const nowMs = 1_700_000_000_000
const sid = 'AbcdefghijklmnopqrstuV'

function over(backend: Webapp2Backend, more: Partial<Parameters<typeof webapp2Sessions>[0]> = {}): Webapp2Sessions {
  return webapp2Sessions({ secretKey, name: 'session', backend, clock: () => nowMs, ...more })
}

/** Sessions of one fixture case. */
function ofCase({ secret_key, cookie_name, verify }: Case, backend: Webapp2Backend): Webapp2Sessions {
  const { max_age, now } = verify
  return webapp2Sessions({ secretKey: secret_key, name: cookie_name, maxAge: max_age, clock: () => now * 1000, backend })
}

/** A backend that holds whatever a case says, and counts. */
function holding({ stored }: Case): Webapp2Backend & { calls: number } {
  const item = stored?.memcache
  const held = item === undefined ? null : { value: Buffer.from(item.value_b64, 'base64'), flags: item.flags, cas: 0 }
  const never = async (): Promise<never> => Promise.reject(new Error('not asked for'))
  const backend = webapp2Memcache({
    gets: async (key) => {
      counting.calls++
      return key === item?.key ? held : null
    },
    cas: never,
    add: never,
    delete: never,
  })
  const counting = Object.assign(backend, { calls: 0 })
  return counting
}

describe.each(['memcache', 'datastore'] as const)("the real webapp2's verdicts on %s sessions", (kind) => {
  test.each(casesOf(kind).map((one) => [one.id, one] as const))('S0.16 S0.8 %s', async (_id, one) => {
    const backend = holding(one)
    const found = await ofCase(one, backend).read(one.cookie_header)
    expect(found?.values ?? null).toEqual(one.expect.ok ? fromTagged(one.payload_tagged ?? null, one.stack !== 'S3') : null)
    // S0.6: whatever is no sid is no question.
    expect(backend.calls).toBe(one.expect.ok || one.expect.reason === 'not_found' ? 1 : 0)
  })
})

test('S0.6 S4.10 what is no sid never reaches the backend', async () => {
  let calls = 0
  const ask = async (): Promise<null> => (calls++, null)
  const sessions = over({ read: ask, update: ask, create: async () => true, delete: async () => void calls++ })
  const long = 'x'.repeat(22)
  for (const wrong of [
    '',
    long.slice(1),
    `${long}x`,
    `${long}\n`,
    'é'.repeat(22),
    '../'.repeat(7),
    22,
    null,
    [long],
    { a: long },
    undefined,
  ]) {
    expect(
      await sessions.read(`session=${writeWebapp2Cookie({ _sid: wrong }, { secretKey, name: 'session', now: nowMs / 1000 })}`),
    ).toBeNull()
    expect(await sessions.update(wrong as string, () => {})).toBeNull()
    await sessions.destroy(wrong as string)
  }
  expect(await sessions.read(`session=${sessions.cookie(long)}0`)).toBeNull()
  expect(calls).toBe(0)
  expect(await sessions.read(`session=${sessions.cookie(long)}`)).toBeNull()
  expect(calls).toBe(1)
})

test('a session that cannot be read is none, and somebody is told why', async () => {
  const told: string[] = []
  const value = Buffer.from('cos\nsystem\n(S"true"\ntR.')
  const client = { gets: async () => ({ value, flags: 2, cas: 1 }), cas: async () => true, add: async () => true, delete: async () => true }
  const sessions = over(webapp2Memcache(client), { onUnreadable: (reason) => told.push(reason) })
  expect(await sessions.read(`session=${sessions.cookie(sid)}`)).toBeNull()
  expect(await sessions.update(sid, (values) => (values['a'] = 1))).toBeNull()
  expect(told).toEqual(['unsupported', 'unsupported'])
})

test('wrong options are config_invalid', () => {
  const backend = webapp2Memcache({ gets: async () => null, cas: async () => true, add: async () => true, delete: async () => true })
  const right = { secretKey, name: 'session', backend }
  for (const wrong of [{ secretKey: '' }, { name: 'a;b' }, { backend: undefined }, { backend: {} }, { maxAge: 'x' }, { max_age: 1 }]) {
    const make = () => webapp2Sessions({ ...right, ...(wrong as object) })
    expect(make, JSON.stringify(wrong)).toThrowError(expect.objectContaining({ code: 'config_invalid' }))
  }
  for (const make of [
    () => webapp2Memcache(new Map() as never),
    () => webapp2Datastore({} as never),
    () => webapp2Datastore({ datastor: 1 } as never),
  ]) {
    expect(make).toThrowError(expect.objectContaining({ code: 'config_invalid' }))
  }
})

/** The same tests for both places: `raw` is what Python would find and leave there. */
interface Place {
  readonly backend: () => Webapp2Backend
  readonly raw: { read(sid: string): Promise<Uint8Array | null>; write(sid: string, pickle: Uint8Array): Promise<void> }
}

function sharing(name: string, place: Place): void {
  const { raw } = place
  /** A dict as Python 2 leaves it: a float that is whole, a tuple, microseconds, a str and a key that is a number. */
  const python =
    "(dS'price'\nF10.0\nsS'pair'\n(I1\nI2\ntsS'when'\ncdatetime\ndatetime\n(S'\\x07\\xdc\\x01\\x14\\x01\\x02\\x03\\x00\\x00\\x04'\ntRsI7\nS'seven'\nsS'n'\nI1\ns."

  async function started(pickle: Uint8Array | string): Promise<string> {
    const id = await over(place.backend()).create({})
    await raw.write(id, Buffer.from(pickle as string, 'latin1'))
    return id
  }

  test(`S0.9 ${name}: what nobody changed stays as Python wrote it`, async () => {
    const id = await started(python)
    const sessions = over(place.backend())
    const values = await sessions.update(id, (values) => {
      expect(values).toEqual({ price: 10, pair: [1, 2], when: new Date(Date.UTC(2012, 0, 20, 1, 2, 3)), n: 1 })
      values['n'] = 2
      values['new'] = ['é', { deep: true }]
    })
    expect(values).toMatchObject({ n: 2, new: ['é', { deep: true }] })
    const text = Buffer.from((await raw.read(id)) ?? []).toString('latin1')
    // BINFLOAT 10.0, TUPLE2, the microseconds and the key 7 in protocol 2.
    for (const part of ['U\x05priceG\x40\x24\0\0\0\0\0\0', 'U\x04pairK\x01K\x02\x86', '\x00\x00\x04', 'K\x07U\x05seven', 'U\x01nK\x02']) {
      expect(text).toContain(part)
    }
    expect(await sessions.update(id, (values) => delete values['price'])).not.toHaveProperty('price')
    expect(readPickle((await raw.read(id)) ?? new Uint8Array())).toMatchObject({ ok: true, value: expect.any(Map) as unknown })
  })

  test(`S0.9 ${name}: an update that changes nothing writes nothing`, async () => {
    const id = await started(python)
    await over(place.backend()).update(id, (values) => (values['pair'] = [1, 2]))
    expect(Buffer.from((await raw.read(id)) ?? []).toString('latin1')).toBe(python)
  })

  test(`S0.9 R-01 ${name}: 40 updates from four processes, and Python in between, lose nothing`, async () => {
    const id = await started(writePickle({ count: 0 }))
    const services = [0, 1, 2, 3].map(() => over(place.backend()))
    const jobs = Array.from({ length: 40 }, (_, n) =>
      (services[n % 4] as Webapp2Sessions).update(id, (values) => {
        values['count'] = (values['count'] as number) + 1
        values[`key ${n}`] = n
      }),
    )
    await Promise.all(jobs)
    const found = await over(place.backend()).read(`session=${over(place.backend()).cookie(id)}`)
    expect(found?.values).toEqual({ count: 40, ...Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`key ${n}`, n])) })
  })

  test(`S0.9 ${name}: Python saves between our read and our write, and both changes are there`, async () => {
    const id = await started(writePickle({ mine: 0, theirs: 0 }))
    let runs = 0
    let saved: Promise<void> | null = null
    const values = await over(place.backend()).update(id, (values) => {
      runs++
      // Too late for this attempt, in time for its write.
      saved ??= raw.write(id, writePickle({ mine: 0, theirs: 1 }))
      values['mine'] = runs
    })
    await saved
    const stored = readPickle((await raw.read(id)) ?? new Uint8Array()) as { value: Record<string, unknown> }
    expect([values, runs > 1 || stored.value['theirs'] === 1]).toEqual([{ mine: runs, theirs: runs > 1 ? 1 : 0 }, true])
  })

  test(`S0.10 R-02 ${name}: a session that has ended is not brought back`, async () => {
    const sessions = over(place.backend())
    const id = await sessions.create({ a: 1 })
    const header = `session=${sessions.cookie(id)}`
    expect(await sessions.read(header)).toEqual({ sid: id, values: { a: 1 }, writtenAt: nowMs / 1000 })
    await sessions.destroy(id)
    await sessions.destroy(id)
    expect(await sessions.read(header)).toBeNull()
    expect(await sessions.update(id, (values) => (values['a'] = 2))).toBeNull()
    expect(await raw.read(id)).toBeNull()
  })

  test(`S1.9 ${name}: what Python cannot hold reaches the caller, and changes nothing`, async () => {
    const sessions = over(place.backend())
    const id = await sessions.create({ a: 1 })
    const wrong = sessions.update(id, (values) => (values['a'] = () => 1))
    await expect(wrong).rejects.toMatchObject({ code: 'value_invalid' })
    await expect(sessions.update(id, (async () => {}) as () => void)).rejects.toMatchObject({ code: 'value_invalid' })
    await expect(sessions.update(id, (values) => (values['a'] = 'x'.repeat(1_048_576)))).rejects.toMatchObject({
      code: 'session_too_large',
    })
    expect((await sessions.read(`session=${sessions.cookie(id)}`))?.values).toEqual({ a: 1 })
  })
}

describeWith(['memcached'], 'on a real memcached', () => {
  let client: TestMemcache

  beforeAll(async () => {
    client = await TestMemcache.connect(await sharedServer('memcached'))
  })

  afterAll(() => client.close())

  sharing('memcached', {
    backend: () => webapp2Memcache(client),
    raw: {
      read: async (sid) => (await client.gets(sid))?.value ?? null,
      write: async (sid, pickle) => void (await client.set(sid, pickle, 2)),
    },
  })

  test('S0.16 every memcache session of the fixtures is put there by hand and read', async () => {
    for (const one of casesOf('memcache').filter(({ stored }) => stored?.memcache !== undefined)) {
      const { key, flags, value_b64 } = one.stored?.memcache ?? { key: '', flags: 0, value_b64: '' }
      await client.set(key, Buffer.from(value_b64, 'base64'), flags)
      const found = await ofCase(one, webapp2Memcache(client)).read(one.cookie_header)
      expect(found?.values, one.id).toEqual(fromTagged(one.payload_tagged ?? null, one.stack !== 'S3'))
    }
  })

  test('S1.9 F-03 a memcached that is away is store_unavailable', async () => {
    const gone = await TestMemcache.connect(await sharedServer('memcached'))
    gone.close()
    const failing = { gets: async () => Promise.reject(new Error('connection refused')), cas: gone.cas, add: gone.add, delete: gone.delete }
    await expect(over(webapp2Memcache<string>(failing)).update(sid, () => {})).rejects.toMatchObject({ code: 'store_unavailable' })
  })
})

describeWith(['datastore'], 'on the real Datastore emulator', () => {
  let datastore: Datastore

  beforeAll(async () => {
    const { port } = new URL(await sharedServer('datastore'))
    datastore = new Datastore({ ...googleClientOptions, apiEndpoint: `http://127.0.0.1:${port}` })
  })

  const keyOf = (sid: string) => datastore.key(['Session', sid])
  const save = (sid: string, data: object): Promise<unknown> => datastore.save({ key: keyOf(sid), data, excludeFromIndexes: ['data'] })

  sharing('Datastore', {
    backend: () => webapp2Datastore({ datastore }),
    raw: {
      async read(sid) {
        const [entity] = (await datastore.get(keyOf(sid))) as [{ data: Buffer } | undefined]
        return entity?.data ?? null
      },
      write: async (sid, pickle) => void (await save(sid, { data: Buffer.from(pickle), updated: new Date() })),
    },
  })

  test('S0.16 every NDB session of the fixtures is put there by hand and read', async () => {
    for (const one of casesOf('datastore').filter(({ stored }) => stored?.datastore !== undefined)) {
      const { key_name = '', entity_v1_json } = one.stored?.datastore ?? {}
      const { data, updated } = entity_v1_json?.properties ?? { data: { blobValue: '' }, updated: { timestampValue: '' } }
      await save(key_name, { data: Buffer.from(data.blobValue, 'base64'), updated: new Date(updated.timestampValue) })
      const found = await ofCase(one, webapp2Datastore({ datastore })).read(one.cookie_header)
      expect(found?.values, one.id).toEqual(fromTagged(one.payload_tagged ?? null, one.stack !== 'S3'))
    }
  })

  test("JSON of Google's store for express-session is told by its properties, read, and changed without losing its cookie", async () => {
    const sessions = over(webapp2Datastore({ datastore }))
    const id = await sessions.create({})
    const cookie = { originalMaxAge: 60_000, expires: new Date(nowMs + 60_000).toISOString(), httpOnly: true, path: '/' }
    const json = (expires: string): string =>
      JSON.stringify({ cookie: { ...cookie, expires }, views: 1, deep: JSON.parse('{"__proto__":1,"a":2}') as unknown })
    await save(id, { data: json(cookie.expires), createdAt: new Date(nowMs - 1) })
    const header = `session=${sessions.cookie(id)}`
    expect((await sessions.read(header))?.values).toEqual({ views: 1, deep: { a: 2 } })
    expect(await sessions.update(id, (values) => (values['views'] = 2))).toEqual({ views: 2, deep: { a: 2 } })
    const [entity] = (await datastore.get(keyOf(id))) as [{ data: string; createdAt: Date }]
    expect(Object.keys(entity).toSorted()).toEqual(['createdAt', 'data'])
    expect(JSON.parse(entity.data)).toEqual({ cookie, views: 2, deep: { a: 2 } })
    await save(id, { data: json(new Date(nowMs).toISOString()), createdAt: new Date(nowMs) })
    expect(await sessions.read(header)).toBeNull()
  })

  test('P-05 an entity of any other make is left alone', async () => {
    const told: string[] = []
    const sessions = over(webapp2Datastore({ datastore }), { onUnreadable: (reason) => told.push(reason) })
    const id = await sessions.create({})
    const pickle = Buffer.from(writePickle({ a: 1 }))
    for (const data of [
      { data: pickle },
      { data: pickle, updated: new Date(), extra: 1 },
      { data: '{}', updated: new Date() },
      { data: pickle, createdAt: new Date() },
      { other: 1 },
      { data: Buffer.from('junk'), updated: new Date() },
      { data: 'junk', createdAt: new Date() },
    ]) {
      await save(id, data)
      expect(await sessions.read(`session=${sessions.cookie(id)}`)).toBeNull()
      expect(await sessions.update(id, (values) => (values['a'] = 2))).toBeNull()
    }
    expect(told).toHaveLength(14)
  })

  test("webapp2's copy in memcache is deleted after every write", async () => {
    const deleted: string[] = []
    const sessions = over(webapp2Datastore({ datastore, memcache: { delete: async (key) => deleted.push(key) } }))
    const id = await sessions.create({ a: 1 })
    await sessions.update(id, (values) => (values['a'] = 2))
    await sessions.update(id, () => {})
    await sessions.destroy(id)
    expect(deleted).toEqual([id, id, id])
  })

  test('what is written is not indexed, as webapp2 has it', async () => {
    const id = await over(webapp2Datastore({ datastore })).create({ a: 'x'.repeat(2_000) })
    const [entity] = (await datastore.get(keyOf(id))) as [{ data: Buffer; updated: Date }]
    expect(entity.updated).toEqual(new Date(nowMs))
    expect(readPickle(entity.data)).toEqual({ ok: true, value: { a: 'x'.repeat(2_000) } })
  })
})
