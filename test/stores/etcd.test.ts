import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { freePort } from '../../scripts/servers/launch.ts'
import type { SessionStore } from '../../src/core/types.ts'
import { type EtcdFetch, etcdStore } from '../../src/stores/etcd.ts'
import { faultProxy } from '../support/fault-proxy.ts'
import { describeWith, sharedServer } from '../support/server.ts'
import { ask, base64, httpOf, keysUnder, secondsLeft } from './etcd-raw.ts'
import { etcd } from './profiles/etcd.ts'
import { hourMs, newId, refusing, rowFor } from './rows.ts'
import { storeSuite } from './suite.ts'

storeSuite(etcd)

describe('etcdStore says what is wrong with its options', () => {
  it.each([
    [{}, /needs the addresses/],
    [{ endpoints: [] }, /needs the addresses/],
    [{ endpoints: 'http://localhost:2379' }, /write for example/],
    [{ endpoints: ['localhost:2379'] }, /http:\/\/localhost:2379/],
    [{ endpoints: ['http://user:pw@localhost:2379'] }, /needs the addresses/],
    [{ endpoints: ['http://localhost:2379/x\r\ny: z'] }, /needs the addresses/],
    [{ endpoints: ['http://a'], prefix: 'a b' }, /prefix must match/],
    [{ endpoints: ['http://a'], prefix: 'a\r\nb' }, /prefix must match/],
    [{ endpoints: ['http://a'], credentials: { name: 'x' } }, /credentials must be/],
    [{ endpoints: ['http://a'], requestMs: 0 }, /requestMs/],
    [{ endpoints: ['http://a'], token: 'x' }, /no option token/],
  ])('%j', (options, sentence) => {
    expect(() => etcdStore(options as never)).toThrow(sentence)
  })
})

describeWith(['etcd'], 'etcdStore on etcd', () => {
  const prefix = `test-${newId()}/`
  let endpoint = ''
  let store: SessionStore

  beforeAll(async () => {
    endpoint = httpOf({ url: await sharedServer('etcd') })
    store = etcdStore({ endpoints: [endpoint], prefix })
  })

  it('P-05 bytes of somebody else are a row that the engine refuses, and no put replaces them', async () => {
    for (const bytes of ['', 'junk', '{}', '{"user":1,"expiresAt":2}\nx', '{"user":null}\nx', '{broken\n', 'null\n', '\u0000\n{}']) {
      const row = rowFor()
      await ask(endpoint, '/v3/kv/put', { key: base64(`${prefix}s/${row.id}`), value: base64(bytes) })
      expect(await store.get(row.id)).toEqual({ id: row.id, body: '?', user: null, expiresAt: 0, version: '' })
      expect(await store.put(row, null)).toBe(null)
      expect(await store.put(row, '')).toBe(null)
      await store.delete(row.id)
      expect(await store.get(row.id)).toBe(null)
    }
  })

  it('a version of some other store is a lost race', async () => {
    const row = rowFor()
    await store.put(row, null)
    for (const version of ['', '1', 'a.b', 'life-1.x.y.z', 'life-1.x.y', '..', '-1..']) expect(await store.put(row, version)).toBe(null)
    for (const version of ['0..', '0.1.', '1e3..']) expect(await store.put(rowFor(), version)).toBe(null)
    expect((await store.get(row.id))?.body).toBe(row.body)
  })

  it('an empty body, and one that begins as a frame does, come back', async () => {
    for (const body of ['', '\n', '{"user":"x","expiresAt":1}\n', '\ufeffx']) {
      const row = rowFor({ body })
      const version = await store.put(row, null)
      expect(await store.get(row.id)).toEqual({ ...row, version })
    }
  })

  it('L-10 the index moves with the row, and a delete leaves nothing of either', async () => {
    const own = etcdStore({ endpoints: [endpoint], prefix: `${prefix}own/` })
    const row = rowFor({ user: 'ann' })
    let version = await own.put(row, null)
    expect(await keysUnder(endpoint, `${prefix}own/`)).toHaveLength(2)
    for (const user of ['bob', null, 'ann', 'ann']) {
      version = await own.put({ ...row, user }, version)
      expect(await keysUnder(endpoint, `${prefix}own/`)).toHaveLength(user === null ? 1 : 2)
    }
    await own.delete(row.id)
    expect(await keysUnder(endpoint, `${prefix}own/`)).toEqual([])
  })

  it('F-22 stores with prefixes that begin alike do not see each other', async () => {
    const inner = etcdStore({ endpoints: [endpoint], prefix: `${prefix}nest/s/` })
    const outer = etcdStore({ endpoints: [endpoint], prefix: `${prefix}nest/` })
    const row = rowFor({ user: 'ann' })
    await inner.put(row, null)
    expect(await outer.get(row.id)).toBe(null)
    expect(await outer.idsOf?.('ann')).toEqual([])
    expect(await outer.scan?.(null, 10)).toEqual({ ids: [], cursor: null })
    expect(await inner.scan?.(null, 10)).toEqual({ ids: [row.id], cursor: null })
  })

  it('a row and its index entry are under a lease that ends with them, never before, and not a day later', async () => {
    for (const leftMs of [-hourMs, 0, 1_000, hourMs, 30 * 24 * hourMs]) {
      const row = rowFor({ user: 'ann', expiresAt: Date.now() + leftMs })
      await store.put(row, null)
      const held = (await keysUnder(endpoint, prefix)).filter(({ key }) => key.endsWith(row.id))
      expect(held.map(({ lease }) => lease)).toEqual([held[0]?.lease, held[0]?.lease])
      const seconds = await secondsLeft(endpoint, String(held[0]?.lease))
      expect(seconds * 1000).toBeGreaterThanOrEqual(row.expiresAt - Date.now())
      expect(seconds * 1000).toBeLessThan(Math.max(0, leftMs) + 3 * hourMs)
    }
  })

  it('L-10 when a session lives on, its index entry moves to the new lease with the row', async () => {
    const own = etcdStore({ endpoints: [endpoint], prefix: `${prefix}moves/` })
    const row = rowFor({ user: 'ann' })
    const first = await own.put(row, null)
    const [before] = await keysUnder(endpoint, `${prefix}moves/`)
    const longer = { ...row, expiresAt: row.expiresAt + 5 * hourMs }
    const version = await own.put(longer, first)
    await ask(endpoint, '/v3/lease/revoke', { ID: before?.lease })
    expect(await own.get(row.id)).toEqual({ ...longer, version })
    expect(await own.idsOf?.('ann')).toEqual([row.id])
  })

  it('a hundred rows that end in the same hour take one lease', async () => {
    let grants = 0
    const counting: EtcdFetch = (url, init) => {
      if (url.endsWith('/lease/grant')) grants++
      return fetch(url, init)
    }
    const own = etcdStore({ endpoints: [endpoint], prefix, fetch: counting })
    // In the middle of an hour, wherever in it we are now.
    const expiresAt = Math.floor(Date.now() / hourMs) * hourMs + 1.5 * hourMs
    for (let n = 0; n < 100; n++) await own.put(rowFor({ expiresAt: expiresAt + n }), null)
    expect(grants).toBe(1)
  })

  it('F-15 when the wall clock steps back, rows get a lease that is long enough', async () => {
    const own = etcdStore({ endpoints: [endpoint], prefix })
    const now = Math.floor(Date.now() / hourMs) * hourMs + hourMs / 2
    vi.useFakeTimers({ toFake: ['Date'], now })
    try {
      await own.put(rowFor({ expiresAt: now + 3 * hourMs }), null)
      vi.setSystemTime(now - 3 * hourMs)
      const row = rowFor({ expiresAt: now + 3 * hourMs })
      await own.put(row, null)
      const held = (await keysUnder(endpoint, prefix)).find(({ key }) => key.endsWith(row.id))
      expect((await secondsLeft(endpoint, String(held?.lease))) * 1000).toBeGreaterThan(6 * hourMs - 60_000)
    } finally {
      vi.useRealTimers()
    }
  })

  it('a lease that ends takes row and index entry along, and the next put has another', async () => {
    const own = etcdStore({ endpoints: [endpoint], prefix: `${prefix}lease/` })
    const row = rowFor({ user: 'ann' })
    await own.put(row, null)
    const [held] = await keysUnder(endpoint, `${prefix}lease/`)
    await ask(endpoint, '/v3/lease/revoke', { ID: held?.lease })
    expect(await own.get(row.id)).toBe(null)
    expect(await own.idsOf?.('ann')).toEqual([])
    expect(await own.put(row, null)).not.toBe(null)
    expect(await own.idsOf?.('ann')).toEqual([row.id])
  })

  it('F-07 after a lost reply the row is written once, and the next read is right', async () => {
    const proxy = await faultProxy(Number(new URL(endpoint).port))
    const behind = etcdStore({ endpoints: [`http://127.0.0.1:${proxy.port}`], prefix })
    const row = rowFor({ user: 'ann' })
    const version = await behind.put(row, null)
    proxy.set({ kind: 'lose-reply' })
    await expect(behind.put({ ...row, body: '"lost reply"' }, version)).rejects.toEqual(refusing('store_unavailable'))
    await expect(behind.delete(row.id)).rejects.toEqual(refusing('store_unavailable'))
    proxy.set(null)
    expect(await behind.get(row.id)).toBe(null)
    expect(await behind.put(row, version)).toBe(null)
    await proxy.close()
  })

  it('another member is asked when one refuses connections', async () => {
    const two = etcdStore({ endpoints: [`http://127.0.0.1:${await freePort()}`, endpoint], prefix })
    const row = rowFor()
    const version = await two.put(row, null)
    expect(await two.get(row.id)).toEqual({ ...row, version })
  })

  it('F-01 where nobody answers, ready and all else reject with store_unavailable and the reason', async () => {
    const nobody = etcdStore({ endpoints: [`http://127.0.0.1:${await freePort()}`] })
    for (const call of [
      () => nobody.ready?.(),
      () => nobody.get(newId()),
      () => nobody.put(rowFor(), null),
      () => nobody.delete(newId()),
    ]) {
      await expect(call()).rejects.toThrow(/ECONNREFUSED.*endpoints/)
    }
  })

  it('ready refuses an etcd that is too old', async () => {
    const old: EtcdFetch = async (url, init) => {
      if (!url.endsWith('/status')) return fetch(url, init)
      return new Response('{"version":"3.3.27"}')
    }
    await expect(etcdStore({ endpoints: [endpoint], fetch: old }).ready?.()).rejects.toEqual(refusing('config_invalid'))
  })

  it('what is no etcd is told apart', async () => {
    const other = createServer((_req, res) => res.end('<html>hello</html>')).listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const wrong = etcdStore({ endpoints: [`http://127.0.0.1:${(other.address() as AddressInfo).port}`] })
    await expect(wrong.ready?.()).rejects.toThrow(/not etcd's gateway/)
    await expect(wrong.put(rowFor(), null)).rejects.toEqual(refusing('store_unavailable'))
    other.closeAllConnections()
    other.close()
  })

  it('a row that etcd finds too large, though we were told it would do, is session_too_large', async () => {
    const wide = etcdStore({ endpoints: [endpoint], prefix, bytesMax: 10_000_000 })
    for (const bytes of [1_600_000, 3_000_000]) {
      await expect(wide.put(rowFor({ body: 'x'.repeat(bytes) }), null)).rejects.toEqual(refusing('session_too_large'))
    }
  })
})
