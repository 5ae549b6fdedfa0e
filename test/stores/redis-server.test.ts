/** Redis on its bad days, each on a server of its own. */
import { inspect } from 'node:util'
import { Redis as IoRedis } from 'ioredis'
import { createClient, RESP_TYPES } from 'redis'
import { afterAll, describe, expect, test } from 'vitest'
import { startRedis } from '../../scripts/servers/redis.ts'
import type { Server } from '../../scripts/servers/launch.ts'
import { createSessions, type SessionEvent, type Sessions } from '../../src/index.ts'
import { redisStore, type RedisStoreOptions } from '../../src/stores/redis.ts'
import { secret } from '../support/backends.ts'
import { describeWith } from '../support/server.ts'
import { Visitor } from '../support/visitor.ts'

const closing: (() => unknown)[] = []
afterAll(async () => {
  for (const close of closing.toReversed()) await close()
})

async function serverWith(...settings: string[]): Promise<Server> {
  const server = await startRedis(settings)
  closing.push(() => server.stop())
  return server
}

async function clientOf({ url }: Server, options: object = {}) {
  const client = createClient({ url, ...options })
  client.on('error', () => null)
  await client.connect()
  closing.push(() => client.isOpen && client.destroy())
  return client
}

function visitorOn(options: RedisStoreOptions): { visitor: Visitor; sessions: Sessions; events: SessionEvent[] } {
  const events: SessionEvent[] = []
  const sessions = createSessions({ secret, store: redisStore(options), onEvent: (event) => events.push(event) })
  return { visitor: new Visitor(sessions), sessions, events }
}

const big = 'x'.repeat(60_000)

describe('options', () => {
  const client = createClient()

  test.each([
    ['no client', {}, /needs a client/],
    ['a client of something else', { client: { get: () => null } }, /needs a client/],
    ['a misspelt option', { client, perfix: 'a' }, /no option perfix/],
    ['a prefix with a space', { client, prefix: 'a b' }, /prefix/],
    ['waiting for no replica', { client, waitReplicas: { count: 0, timeoutMs: 10 } }, /waitReplicas.count/],
    [
      'waiting on any node of a cluster',
      { client: new IoRedis.Cluster(['127.0.0.1:1'], { lazyConnect: true }), waitReplicas: { count: 1, timeoutMs: 10 } },
      /createCluster/,
    ],
  ])('%s is config_invalid', (_what, options, message) => {
    expect(() => redisStore(options as unknown as RedisStoreOptions)).toThrow(message)
  })

  test('F-01 a client that is not connected says what to do', async () => {
    await expect(redisStore({ client }).get('a')).rejects.toThrow(/await client\.connect\(\)/)
  })
})

describeWith(['redis'], 'Redis on a bad day', () => {
  test('F-09 ready refuses a server that evicts, unless that is written', async () => {
    const client = await clientOf(await serverWith('--maxmemory', '20mb', '--maxmemory-policy', 'allkeys-lru'))
    await expect(redisStore({ client }).ready?.()).rejects.toMatchObject({ code: 'config_invalid' })
    await redisStore({ client, mayEvict: true }).ready?.()
  })

  test('F-09 an evicted session is nobody, and the visitor begins anew', async () => {
    const client = await clientOf(await serverWith('--maxmemory', '4mb', '--maxmemory-policy', 'allkeys-lru'))
    const { visitor, sessions } = visitorOn({ client, mayEvict: true })
    const { result: id } = await visitor.visit((session) => session.set('a', 1).id)
    // Redis evicts by a sample, so not always the oldest first.
    while (await client.exists(`coatcheck:s:${id}`)) await new Visitor(sessions).visit((session) => session.set('a', big))
    const { result } = await visitor.visit((session) => (session.set('again', 1), session.isNew))
    expect(result).toBe(true)
  })

  test('L-10 where Redis may drop the list of a user and keep the sessions, nobody is told that all are signed out', async () => {
    const client = await clientOf(await serverWith('--maxmemory', '20mb', '--maxmemory-policy', 'allkeys-lru'))
    const { visitor, sessions } = visitorOn({ client, mayEvict: true })
    const { result: id } = await visitor.visit((session) => (session.signIn('ada'), session.id))
    // As an eviction would.
    await client.del('coatcheck:u:ada')
    await expect(sessions.revokeUser('ada')).rejects.toMatchObject({ code: 'unsupported' })
    const store = redisStore({ client, mayEvict: true })
    expect(store.guarantees.userIndex).toBe(false)
    expect(await store.touch?.(id, Date.now() + 30 * 86_400_000)).toBe(true)
    await visitor.visit((session) => session.destroy())
    expect(await client.sendCommand(['KEYS', '*'])).toEqual([])
  })

  test('F-09 F-03 a full memory refuses the write before anybody is told, and reads go on', async () => {
    const client = await clientOf(await serverWith('--maxmemory', '3mb', '--maxmemory-policy', 'noeviction'))
    const { visitor } = visitorOn({ client })
    await visitor.visit((session) => session.set('a', 1))
    for (let i = 0, full = false; !full && i < 200; i++)
      full = await client.set(`filler ${i}`, big).then(
        () => false,
        () => true,
      )
    await expect(visitor.visit((session) => session.set('a', big))).rejects.toMatchObject({ code: 'store_unavailable' })
    expect((await visitor.visit((session) => session.get('a'))).result).toBe(1)
    // A logout needs no memory.
    expect((await visitor.visit((session) => session.destroy())).outgoing.outcome).toBe('erased')
  })

  test('F-09 a replica refuses writes; a master that forgot its scripts does not', async () => {
    const server = await serverWith()
    const client = await clientOf(server)
    const { visitor } = visitorOn({ client })
    await visitor.visit((session) => session.set('n', 0))
    await client.sendCommand(['SCRIPT', 'FLUSH'])
    await visitor.visit((session) => session.update('n', (n) => Number(n) + 1))
    await client.sendCommand(['REPLICAOF', '127.0.0.1', '1'])
    await expect(visitor.visit((session) => session.set('n', 5))).rejects.toMatchObject({ code: 'store_unavailable' })
    await client.sendCommand(['REPLICAOF', 'NO', 'ONE'])
    expect((await visitor.visit((session) => session.get('n'))).result).toBe(1)
  })

  test('F-09 ready refuses a replica, and a node of a cluster to a client that knows no cluster', async () => {
    const master = await serverWith()
    const replica = await clientOf(await serverWith('--replicaof', '127.0.0.1', String(master.port)))
    await expect(redisStore({ client: replica }).ready?.()).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringContaining('connect to the master') as string,
    })
    const node = await clientOf(await serverWith('--cluster-enabled', 'yes'))
    await expect(redisStore({ client: node }).ready?.()).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('createCluster') as string,
    })
  })

  test('ready refuses a user who may not write, and a server without scripts', async () => {
    const server = await serverWith()
    await (await clientOf(server)).sendCommand(['ACL', 'SETUSER', 'reader', 'on', '>pw', '~*', '+@read', '+ping', '+info'])
    const reader = await clientOf(server, { username: 'reader', password: 'pw' })
    await expect(redisStore({ client: reader }).ready?.()).rejects.toThrow(/NOPERM/)
    const bare = await clientOf(await serverWith('--rename-command', 'EVALSHA', ''))
    await expect(redisStore({ client: bare }).ready?.()).rejects.toThrow(/unknown command 'EVALSHA'$/)
  })

  test('O-01 an error quotes no session, whatever the client adds to it', async () => {
    const server = await serverWith('--maxmemory', '1', '--rename-command', 'GETRANGE', '')
    const bare = await serverWith('--rename-command', 'EVALSHA', '')
    const row = { id: 'a'.repeat(24), body: 'of-the-body', user: 'of-the-user', expiresAt: Date.now() + 60_000 }
    for (const { port } of [server, bare]) {
      const client = new IoRedis({ port })
      closing.push(() => client.disconnect())
      const error: unknown = await redisStore({ client })
        .put(row, null)
        .catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'store_unavailable' })
      expect(inspect(error, { depth: null })).not.toMatch(/of-the-|aaaa/)
    }
  })

  test('F-09 S2.3 FLUSHALL, or a restart without persistence: a clean new session', async () => {
    const server = await serverWith()
    const { visitor } = visitorOn({ client: await clientOf(server) })
    await visitor.visit((session) => session.set('a', 1))
    await server.restart()
    for (let tries = 0; tries < 100; tries++) {
      const visited = await visitor.visit((session) => (session.set('b', 2), session.isNew)).catch(() => null)
      if (visited !== null) return expect(visited.result).toBe(true)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    expect.unreachable('it never came back')
  })

  test('a wrong password is an error that ready gives, and nobody is anonymous by it', async () => {
    const server = await serverWith('--requirepass', 'right')
    const client = new IoRedis({ port: server.port, password: 'wrong', retryStrategy: () => null, maxRetriesPerRequest: 0 })
    client.on('error', () => null)
    closing.push(() => client.disconnect())
    await expect(redisStore({ client }).ready?.()).rejects.toMatchObject({ code: 'store_unavailable' })
    await expect(redisStore({ client }).get('a')).rejects.toMatchObject({ code: 'store_unavailable' })
  })

  test('waitReplicas acknowledges only what a replica has', async () => {
    const master = await serverWith('--repl-diskless-sync-delay', '0')
    const replica = await serverWith('--replicaof', '127.0.0.1', String(master.port))
    const client = await clientOf(master)
    while (!/state=online/.test(String(await client.sendCommand(['INFO', 'replication']))))
      await new Promise((resolve) => setTimeout(resolve, 20))
    const store = redisStore({ client, waitReplicas: { count: 1, timeoutMs: 1_000 } })
    const row = { id: 'a'.repeat(24), body: '{}', user: null, expiresAt: Date.now() + 60_000 }
    const version = await store.put(row, null)
    expect(version).not.toBeNull()
    expect(await (await clientOf(replica)).exists(`coatcheck:s:${row.id}`)).toBe(1)
    await replica.kill('SIGKILL')
    const impatient = redisStore({ client, waitReplicas: { count: 1, timeoutMs: 50 } })
    await expect(impatient.put({ ...row, body: '{"a":1}' }, version)).rejects.toThrow(/0 of 1 replicas/)
  })

  test('bytes of somebody else under our key are no session, and an event', async () => {
    const client = await clientOf(await serverWith())
    const { visitor, events } = visitorOn({ client })
    const { result: id } = await visitor.visit((session) => (session.set('a', 1), session.id))
    for (const spoil of [
      ['SET', 'hello'],
      ['SET', 'a b c d\n{}'],
      ['HSET', 'f', 'v'],
      ['SET', `${'v'.repeat(10)} ${'9'.repeat(15)} ${'9'.repeat(15)} -\n`],
    ]) {
      const [command = '', ...args] = spoil
      const key = `coatcheck:s:${id}`
      await client.del(key)
      await client.sendCommand([command, key, ...args])
      expect((await visitor.visit((session) => session.isNew)).result, spoil.join(' ')).toBe(true)
    }
    expect(events.filter((event) => event.type === 'rejected').map(({ why }) => why)).toContain('unreadable')
    expect(events.filter(({ type }) => type === 'store_failed')).toEqual([])
  })

  test('R-06 with the cache of the client, another process’s write is seen as soon as the server says so', async () => {
    const server = await serverWith()
    const near = await clientOf(server, { RESP: 3, clientSideCache: { ttl: 0, maxEntries: 1_000, evictPolicy: 'LRU' } })
    const { visitor } = visitorOn({ client: near })
    const { visitor: other } = visitorOn({ client: await clientOf(server) })
    await visitor.visit((session) => session.set('n', 1))
    for (const [name, value] of visitor.jar) other.jar.set(name, value)
    await visitor.visit((session) => session.get('n'))
    await other.visit((session) => session.set('n', 2))
    await near.ping()
    expect((await visitor.visit((session) => session.get('n'))).result).toBe(2)
    await other.visit((session) => session.destroy())
    await near.ping()
    expect((await visitor.visit((session) => session.isNew)).result).toBe(true)
  })

  test('L-10 the index keeps a user of any length while the session is in use', async () => {
    const client = await clientOf(await serverWith())
    const store = redisStore({ client })
    const row = { id: 'a'.repeat(24), body: '{}', user: 'u'.repeat(10_000), expiresAt: Date.now() + 100 }
    await store.put(row, null)
    await store.touch?.(row.id, row.expiresAt + 60_000)
    await new Promise((resolve) => setTimeout(resolve, 250))
    expect(await store.idsOf?.(row.user)).toEqual([row.id])
    await store.delete(row.id)
    expect(await client.sendCommand(['KEYS', '*'])).toEqual([])
  })

  test('L-10 a touch that fails half-way does not take the session out of its user’s list', async () => {
    const client = await clientOf(await serverWith())
    let failures = 0
    const failing = {
      isOpen: true,
      connect: async () => null,
      destroy: () => null,
      get: (key: string) => client.get(key),
      async sendCommand(args: string[]) {
        if (failures > 0 && args.some((arg) => arg.startsWith('coatcheck:u:')) && failures-- > 0) throw new Error('connection reset')
        return client.sendCommand(args)
      },
    }
    const store = redisStore({ client: failing })
    const row = { id: 'a'.repeat(24), body: '{}', user: 'ada', expiresAt: Date.now() + 200 }
    await store.put(row, null)
    failures = 1
    await expect(store.touch?.(row.id, row.expiresAt + 60_000)).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(await store.touch?.(row.id, row.expiresAt + 60_001)).toBe(true)
    await new Promise((resolve) => setTimeout(resolve, 600))
    expect(await store.idsOf?.('ada')).toEqual([row.id])
  })

  test('a client that answers in bytes, or numbers in text, keeps sessions all the same', async () => {
    const server = await serverWith()
    const bytes = await clientOf(server, { commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } } })
    const texts = new IoRedis({ port: server.port, stringNumbers: true })
    closing.push(() => texts.disconnect())
    for (const client of [bytes, texts]) {
      const store = redisStore({ client })
      const row = { id: 'a'.repeat(24), body: '{"a":"ä"}', user: 'ada', expiresAt: Date.now() + 500 }
      const version = await store.put(row, null)
      expect(await store.get(row.id)).toEqual({ ...row, version })
      expect(await store.touch?.(row.id, row.expiresAt + 60_000)).toBe(true)
      expect(await store.idsOf?.('ada')).toEqual([row.id])
      expect(await store.scan?.(null, 10)).toEqual({ ids: [row.id], cursor: null })
      await store.delete(row.id)
      expect(await texts.call('KEYS', '*')).toEqual([])
    }
  })

  test('the index of a user drops what is over, and itself', async () => {
    const client = await clientOf(await serverWith())
    const store = redisStore({ client })
    const row = (id: string, lifeMs: number) => ({ id: id.padEnd(24, 'x'), body: '{}', user: 'ada', expiresAt: Date.now() + lifeMs })
    for (let i = 0; i < 20; i++) await store.put(row(`short${i}`, 20), null)
    await new Promise((resolve) => setTimeout(resolve, 100))
    await store.put(row('long', 200), null)
    expect(await client.sendCommand(['ZCARD', 'coatcheck:u:ada'])).toBe(1)
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(await client.sendCommand(['KEYS', '*'])).toEqual([])
  })
})
