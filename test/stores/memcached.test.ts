import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createSessions, type Row, type SessionEvent, type SessionStore } from '../../src/index.ts'
import { encodeItem } from '../../src/stores/memcached/item.ts'
import { memcachedStore, type MemcachedStoreOptions } from '../../src/stores/memcached.ts'
import { secret } from '../support/backends.ts'
import { describeWith, sharedServer } from '../support/server.ts'
import { Visitor } from '../support/visitor.ts'
import { hourMs, row, say } from './memcached-tools.ts'
import { memcached } from './profiles/memcached.ts'
import { storeSuite } from './suite.ts'

storeSuite(memcached)

describe('options', () => {
  const build = (options: unknown) => () => memcachedStore(options as MemcachedStoreOptions)

  test.each([
    [{}, 'needs servers'],
    [{ servers: [] }, 'needs servers'],
    [{ servers: '' }, 'servers[0]'],
    [{ servers: [1] }, 'servers[0]'],
    [{ servers: ['a', 'redis://b'] }, 'servers[1]'],
    [{ servers: 'memcached://a/path' }, 'servers[0]'],
    [{ servers: 'a:0' }, 'servers[0]'],
    [{ servers: 'a:99999' }, 'servers[0]'],
    [{ servers: 'a b' }, 'servers[0]'],
    [{ servers: ['a', 'memcached://a:11211'] }, 'a:11211 twice'],
    [{ servers: 'memcached://ann:sec%20ret@a' }, 'percent-encoded'],
    [{ servers: 'memcached://ann@a' }, 'percent-encoded'],
    [{ servers: 'memcached://a%3Ab:secret@a' }, 'percent-encoded'],
    [{ servers: 'memcached://ann:secret%0d%0aflush_all@a' }, 'percent-encoded'],
    [{ servers: 'memcached://a', tls: {} }, 'memcacheds://'],
    [{ servers: 'a', tls: 'yes' }, 'options of node:tls'],
    [{ servers: 'a', tls: { rejectUnauthorized: false } }, 'without verification'],
    [{ servers: 'a', prefix: 'a b' }, 'prefix must match'],
    [{ servers: 'a', prefix: 'a\r\n' }, 'prefix must match'],
    [{ servers: 'a', prefix: '~' }, 'prefix must match'],
    [{ servers: 'a', prefix: 'x'.repeat(65) }, 'prefix must match'],
    [{ servers: 'a', connectionsMax: 0 }, 'connectionsMax'],
    [{ servers: 'a', timeoutMs: 0 }, 'timeoutMs'],
    [{ servers: 'a', itemBytesMax: 100 }, 'itemBytesMax'],
    [{ servers: 'a', server: 'a' }, 'no option server'],
  ])('%j is config_invalid', (options, words) => {
    expect(build(options)).toThrow(expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(words) }))
    expect(build(options)).not.toThrow(/secret|sec%20ret/)
  })

  test.each([
    [{ servers: 'cache1' }],
    [{ servers: ['cache1:1', 'memcached://cache2', 'memcacheds://ann:p%C3%A4ss@[::1]:5'.replace('%C3%A4', 'a')] }],
    [{ servers: 'cache1', tls: {}, prefix: '' }],
    [{ servers: 'memcached://ann:p%40ss%3A%2F@cache1', prefix: 'x'.repeat(64) }],
  ])('%j will do, and opens nothing yet', async (options) => {
    await memcachedStore(options).close?.()
  })

  test('P-02 a polluted Object.prototype gives no servers', () => {
    const polluted = Object.prototype as { servers?: string }
    polluted.servers = 'evil.example'
    onTestFinished(() => void delete polluted.servers)
    expect(build({})).toThrow('needs servers')
  })
})

describeWith(['memcached'], 'memcached:', () => {
  async function open(options: Partial<MemcachedStoreOptions> = {}): Promise<{ store: SessionStore; url: string }> {
    const url = await sharedServer('memcached')
    const store = memcachedStore({ servers: url, ...options })
    onTestFinished(() => store.close?.())
    return { store, url }
  }

  test('L-05 a row is there to its last moment, whenever in a tick of the server’s clock it came', async () => {
    const { store } = await open()
    const rows: Row[] = []
    for (let n = 0; n < 20; n++) {
      const one = row({ expiresAt: Date.now() + 1_000 })
      await store.put(one, null)
      rows.push(one)
      await new Promise((resolve) => setTimeout(resolve, 50))
      for (const { id, expiresAt } of rows) {
        const found = await store.get(id)
        if (Date.now() < expiresAt) expect(found, `${expiresAt - Date.now()} ms before its end`).not.toBeNull()
      }
    }
  })

  test.each([-1, 1])('F-15 the clocks of store and server are %d hour apart: rows live as long as they should', async (hours) => {
    const { store } = await open()
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + hours * hourMs })
    onTestFinished(() => void vi.useRealTimers())
    await store.ready?.()
    for (const lifeMs of [60_000, 24 * hourMs, 31 * 24 * hourMs]) {
      const one = row({ expiresAt: Date.now() + lifeMs })
      const version = await store.put(one, null)
      expect(await store.get(one.id)).toEqual({ ...one, version })
    }
  })

  test('F-15 half a day apart is config_invalid: dates over 30 days ahead are judged by the clock of the server', async () => {
    const { store } = await open()
    for (const hours of [-13, 13]) {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + hours * hourMs })
      onTestFinished(() => void vi.useRealTimers())
      await expect(store.ready?.()).rejects.toMatchObject({ code: 'config_invalid', message: expect.stringContaining('13 hours') })
      vi.useRealTimers()
    }
  })

  test.each([[400], [1_000], [31], [20_000]])('a row of %d days is kept so long', async (days) => {
    const { store, url } = await open()
    const one = row({ expiresAt: Date.now() + days * 24 * hourMs })
    await store.put(one, null)
    const left = Number(/ t(-?\d+)/.exec(await say(url, `mg coatcheck:${one.id} t\r\n`))?.[1])
    if (days === 20_000) expect(left).toBe(-1)
    else expect(left / 86_400).toBeCloseTo(days + 1, 2)
  })

  test('the longest key fits, one more does not', async () => {
    const { store } = await open({ prefix: 'x'.repeat(64) })
    const one = row({ id: 'y'.repeat(186) })
    await store.put(one, null)
    expect(await store.get(one.id)).toMatchObject(one)
    await store.delete(one.id)
    await expect(store.put(row({ id: 'y'.repeat(187) }), null)).rejects.toMatchObject({ code: 'value_invalid' })
  })

  test('F-22 a version is never part of a command', async () => {
    const { store } = await open()
    const one = row()
    const version = await store.put(one, null)
    const cas = String(version).split('.')[1]
    for (const wrong of [
      '',
      'x',
      cas,
      `.${cas}`,
      `${version} `,
      `${version}\r\nflush_all`,
      `${version} MS`,
      String(version).replace('.', '.0'),
      `${'A'.repeat(16)}.${cas}`,
    ]) {
      expect(await store.put({ ...one, body: 'x' }, String(wrong)), String(wrong)).toBeNull()
    }
    expect(await store.get(one.id)).toEqual({ ...one, version })
  })

  test('stores with different prefixes keep different rows', async () => {
    const [a, b] = [await open({ prefix: 'a:' }), await open({ prefix: 'b' })]
    const one = row()
    await a.store.put(one, null)
    expect(await b.store.get(one.id)).toBeNull()
    expect(await b.store.put({ ...one, body: 'b' }, null)).not.toBeNull()
    expect(await a.store.get(one.id)).toMatchObject(one)
  })

  test.each(['', 'hello', 'cc1 9 -', '\x80\x04\x95', 'cc1 9999999999999 -\n{"values":'])(
    'P-05 %j under our key is no session, and an event',
    async (bytes) => {
      const { store, url } = await open()
      const events: SessionEvent[] = []
      const sessions = createSessions<{ n: number }>({ secret, store, onEvent: (event) => events.push(event) })
      const visitor = new Visitor(sessions)
      const { result: id } = await visitor.visit((session) => (session.set('n', 1), session.id))
      await say(url, `ms coatcheck:${id} ${bytes.length} T60\r\n${bytes}\r\n`)
      const { result } = await visitor.clone().visit((session) => session.get('n'))
      expect(result).toBeUndefined()
      expect(events).toContainEqual(expect.objectContaining({ type: 'rejected', why: 'unreadable' }))
      await store.delete(id)
      expect(await store.get(id)).toBeNull()
    },
  )

  test('F-10 a row of the very limit is kept, one byte more is refused before it is sent', async () => {
    const { store } = await open({ prefix: 'x'.repeat(64) })
    const id = 'y'.repeat(186)
    const header = encodeItem(row({ body: '' })).length
    const largest = row({ id, body: 'x'.repeat(1_048_576 - 512 - header) })
    const version = await store.put(largest, null)
    expect(await store.get(id)).toEqual({ ...largest, version })
    await expect(store.put({ ...largest, body: `${largest.body}x` }, version)).rejects.toMatchObject({ code: 'session_too_large' })
    expect(await store.get(id)).toEqual({ ...largest, version })
    await store.delete(id)
  })
})
