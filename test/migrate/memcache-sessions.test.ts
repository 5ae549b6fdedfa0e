import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createSessions } from '../../src/index.ts'
import { fromGmemsess, readGmemsess } from '../../src/migrate/gmemsess.ts'
import { fromMemcacheSessions, readMemcacheSession } from '../../src/migrate/memcache-sessions.ts'
import { memcacheKey } from '../../src/migrate/webapp2/memcache.ts'
import { writePickle } from '../../src/migrate/webapp2.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { TestMemcache } from '../support/memcache-client.ts'
import { describeWith, sharedServer } from '../support/server.ts'
import { Visitor } from '../support/visitor.ts'
import { fixtures, fromTagged } from './webapp2-fixtures.ts'

const nowMs = 1_700_000_000_000
const secret = 'a secret for moving in, longer than 32 bytes'

/** Any of the readers, with the keys it asked for. */
function asking(items: Readonly<Record<string, { value: Uint8Array; flags: number }>>) {
  const asked: string[] = []
  const memcache = {
    async gets(key: string) {
      asked.push(key)
      return items[key] ?? null
    },
  }
  return { asked, memcache }
}

describe('gmemsess', () => {
  const counter = { value: writePickle({ counter: 2 }), flags: 2 }

  test('S4.1 M-05 the counter of its documentation is read, and lives half an hour more', async () => {
    const { memcache, asked } = asking({ AbCdEfGh: counter })
    const found = await readGmemsess('gsid=AbCdEfGh', { memcache, allowUnsignedIds: true, now: nowMs })
    expect(found).toEqual({ identity: 'AbCdEfGh', values: { counter: 2 }, expiresAt: nowMs + 1_800_000 })
    expect(asked).toEqual(['AbCdEfGh'])
  })

  test.each(['AbCdEfG', 'AbCdEfGhI', 'AbCdEfG1', 'NDB9:abcd', 'AbCdEfG\n', '../../ab', 'session-', 'é'.repeat(8), ''])(
    'S4.10 S0.6 %j is no id and never reaches memcache',
    async (id) => {
      const { memcache, asked } = asking({ [id]: counter })
      expect(await readGmemsess(`gsid=${id}`, { memcache, allowUnsignedIds: true, now: nowMs })).toBeNull()
      expect(asked).toEqual([])
    },
  )

  test.each([
    ['nothing', undefined],
    ['another type', { value: Buffer.from('2'), flags: 3 }],
    ['a list', { value: writePickle([1]), flags: 2 }],
    ['a function', { value: Buffer.from('cos\nsystem\n.'), flags: 2 }],
    ['junk', { value: Buffer.from('junk'), flags: 2 }],
  ])('M-02 %s under the id is no session', async (_what, item) => {
    const { memcache } = asking(item === undefined ? {} : { AbCdEfGh: item })
    expect(await readGmemsess('gsid=AbCdEfGh', { memcache, allowUnsignedIds: true })).toBeNull()
  })

  test.each([[{}], [{ allowUnsignedIds: true }], [{ memcache: {} }], [{ timeout: 0 }], [{ id: /x/ }], [{ cookieName: 'a b' }]])(
    'M-01 config_invalid: %j',
    (wrong) => {
      const { memcache } = asking({})
      const right = 'allowUnsignedIds' in wrong || Object.keys(wrong).length === 0 ? {} : { memcache, allowUnsignedIds: true }
      expect(() => fromGmemsess({ ...right, ...wrong } as never)).toThrowError(expect.objectContaining({ code: 'config_invalid' }))
    },
  )
})

describe('a key for each variable', () => {
  const options = { cookieName: 'sid', id: /sid[0-9]{3}/, allowUnsignedIds: true } as const

  test.each(['S2', 'S3'] as const)('S1.6 S1.7 every type that App Engine keeps, as %s wrote it', async (stack) => {
    const values = fixtures.memcache_values[stack]
    const { memcache, asked } = asking(
      Object.fromEntries(values.map(({ key, flags, value_b64 }) => [key, { flags, value: Buffer.from(value_b64, 'base64') }])),
    )
    const variables = [...values.map(({ type }) => type), 'missing']
    const found = await readMemcacheSession('sid=sid123', { ...options, memcache, variables, now: nowMs })
    // Raw bytes that are text are text: App Engine keeps Python 2's str and Python 3's bytes alike.
    expect(found).toEqual({
      identity: 'sid123',
      expiresAt: nowMs + 86_400_000,
      values: Object.fromEntries(values.map(({ type, value }) => [type, fromTagged(value, stack === 'S2')])),
    })
    expect(asked).toEqual(variables.map((name) => `sid123-${name}`))
  })

  test("S1.7 App Engine's rule for keys over 250 bytes", () => {
    const { key, stored_as } = fixtures.memcache_long_key
    expect(memcacheKey(key)).toBe(stored_as[0])
    expect([memcacheKey('k'.repeat(250)), memcacheKey('ü'.repeat(126))]).toEqual(['k'.repeat(250), expect.stringMatching(/^[0-9a-f]{40}$/)])
  })

  test('S1.7 a name of 300 characters has its SHA-1 for a key, and no name leads into another session', async () => {
    const { memcache, asked } = asking({})
    expect(await readMemcacheSession('sid=sid123', { ...options, memcache, variables: ['x'.repeat(300), 'a-b'], now: nowMs })).toBeNull()
    expect(asked).toEqual([
      createHash('sha1')
        .update(`sid123-${'x'.repeat(300)}`)
        .digest('hex'),
      'sid123-a-b',
    ])
    for (const id of ['sid1234', 'sid12', 'sid123-a', 'ratelimit:1', ' ']) {
      expect(await readMemcacheSession(`sid=${id}`, { ...options, memcache, variables: ['b'] })).toBeNull()
    }
    expect(asked).toHaveLength(2)
  })

  test('no variable at all is no session; one that cannot be read is left out', async () => {
    const { memcache } = asking({
      'sid123-a': { value: Buffer.from('cos\nsystem\n.'), flags: 2 },
      'sid123-b': { value: Buffer.from('1'), flags: 5 },
    })
    expect(await readMemcacheSession('sid=sid123', { ...options, memcache, variables: ['a'] })).toBeNull()
    expect((await readMemcacheSession('sid=sid123', { ...options, memcache, variables: ['a', 'b'] }))?.values).toEqual({ b: true })
    for (const flags of [1, 3, 4, 5, 6, 255]) {
      const { memcache } = asking({ 'sid123-a': { value: Buffer.from([0xff]), flags } })
      expect(await readMemcacheSession('sid=sid123', { ...options, memcache, variables: ['a'] }), String(flags)).toBeNull()
    }
  })
})

test('S2.3 S2.9 a key for the session: read, alive for three hours more, and gone after an eviction', async () => {
  const options = { cookieName: 'sid', id: /0\.\d{10,17}/, allowUnsignedIds: true, now: nowMs } as const
  const { memcache, asked } = asking({ 'session-0.1234567890123': { value: writePickle({ user: 'ada' }), flags: 2 } })
  const found = await readMemcacheSession('sid=0.1234567890123', { ...options, memcache })
  expect(found).toEqual({ identity: '0.1234567890123', values: { user: 'ada' }, expiresAt: nowMs + 10_800_000 })
  expect(await readMemcacheSession('sid=0.9876543210987', { ...options, memcache })).toBeNull()
  expect(await readMemcacheSession('sid=0.12345678901234567890', { ...options, memcache })).toBeNull()
  expect(asked).toEqual(['session-0.1234567890123', 'session-0.9876543210987'])
})

test.each([
  [{ id: 'x' }],
  [{ cookieName: undefined }],
  [{ variables: 'x' }],
  [{ variables: ['__proto__'] }],
  [{ allowUnsignedIds: 1 }],
  [{ names: [] }],
])('M-01 config_invalid: %j', (wrong) => {
  const right = { ...asking({}), cookieName: 'sid', id: /x/g, allowUnsignedIds: true } as Record<string, unknown>
  delete right['asked']
  expect(() => fromMemcacheSessions(right as never)).not.toThrow()
  expect(() => fromMemcacheSessions({ ...right, ...wrong } as never)).toThrowError(expect.objectContaining({ code: 'config_invalid' }))
})

describeWith(['memcached'], 'moving in from a real memcached', () => {
  test('S4.9 M-03 the visitor keeps the session when memcached is flushed, and the old cookie is dead', async () => {
    const memcache = await TestMemcache.connect(await sharedServer('memcached'))
    await memcache.set('MoVeMeIn', writePickle({ counter: 2 }), 2)
    const sessions = createSessions({ secret, store: memoryStore(), moveIn: [fromGmemsess({ memcache, allowUnsignedIds: true })] })
    const visitor = new Visitor(sessions)
    visitor.jar.set('gsid', 'MoVeMeIn')
    const first = await visitor.visit((session) => session.update('counter', (n) => (n as number) + 1))
    expect(first.result).toBe(3)
    expect([visitor.jar.has('gsid'), await memcache.gets('MoVeMeIn')]).toEqual([false, null])
    expect((await visitor.visit((session) => session.get('counter'))).result).toBe(3)
    const thief = new Visitor(sessions)
    thief.jar.set('gsid', 'MoVeMeIn')
    expect((await thief.visit((session) => session.isNew)).result).toBe(true)
    await sessions.close()
    memcache.close()
  })
})
