import { setTimeout as sleep } from 'node:timers/promises'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { type KV, Kvm } from '@nats-io/kv'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type NatsBucket, natsStore } from '../../src/stores/nats.ts'
import { describeWith, sharedServer } from '../support/server.ts'
import { nats } from './profiles/nats.ts'
import { hourMs, newId, refusing, rowFor } from './rows.ts'
import { storeSuite } from './suite.ts'

storeSuite(nats)

describe('natsStore says what is wrong with its options', () => {
  it.each([
    [{}, /needs a bucket/],
    [{ kv: null }, /needs a bucket/],
    [{ kv: Promise.resolve() }, /await new Kvm/],
    [{ kv: { get() {}, put() {} } }, /needs a bucket/],
    [{ kv: {}, prefix: 'x' }, /no option prefix/],
  ])('%j', (options, sentence) => {
    expect(() => natsStore(options as never)).toThrow(sentence)
  })
})

describeWith(['nats'], 'natsStore on NATS', () => {
  let connection: NatsConnection
  let buckets: Kvm
  let kv: KV

  beforeAll(async () => {
    connection = await connect({ servers: new URL(await sharedServer('nats')).host })
    buckets = new Kvm(jetstream(connection, { timeout: 1_000 }))
    kv = await bucketWith({ ttl: 24 * hourMs })
  })
  afterAll(() => connection.close())

  async function bucketWith(settings: Parameters<Kvm['create']>[1]): Promise<KV> {
    const name = `test-${newId()}`
    await buckets.create(name, settings)
    return buckets.open(name)
  }

  it('P-05 bytes of somebody else are a row that the engine refuses, and no put replaces them', async () => {
    const store = natsStore({ kv })
    for (const bytes of [
      '',
      'junk',
      '{}',
      '{"user":1,"expiresAt":2,"due":3}\nx',
      '{"user":null,"expiresAt":1}\nx',
      '{broken\n',
      '\0\n{}',
    ]) {
      const row = rowFor()
      await kv.put(`s.${row.id}`, bytes)
      expect(await store.get(row.id)).toEqual({ id: row.id, body: '?', user: null, expiresAt: 0, version: '' })
      expect(await store.put(row, null)).toBe(null)
      expect(await store.put(row, '')).toBe(null)
      await store.delete(row.id)
      expect(await store.get(row.id)).toBe(null)
    }
  })

  it('a user list of somebody else is an empty one', async () => {
    const store = natsStore({ kv })
    const first = rowFor({ user: 'carl' })
    await store.put(first, null)
    const keys: string[] = []
    for await (const key of await kv.keys('u.*')) keys.push(key)
    for (const bytes of ['', 'junk', 'null', '[1]', '{"x":"y"}', '7']) {
      for (const key of keys) await kv.put(key, bytes)
      expect(await store.idsOf?.('carl')).toEqual([])
      const row = rowFor({ user: 'carl' })
      await store.put(row, null)
      expect(await store.idsOf?.('carl')).toEqual([row.id])
    }
  })

  it('a version of some other store is a lost race', async () => {
    const store = natsStore({ kv })
    const row = rowFor()
    await store.put(row, null)
    for (const version of ['', '1', 'a.b', 'life-1.x.y', '0..', '-1..', '1e3..']) expect(await store.put(row, version)).toBe(null)
  })

  it('an empty body, and one that begins as a frame does, come back', async () => {
    const store = natsStore({ kv })
    for (const body of ['', '\n', '{"user":"x","expiresAt":1,"due":1}\n', '\ufeffx']) {
      const row = rowFor({ body })
      const version = await store.put(row, null)
      expect(await store.get(row.id)).toEqual({ ...row, version })
    }
  })

  it('L-10 forty sign-ins of one user at once, through two handles, are all listed; a delete unlists', async () => {
    const stores = [natsStore({ kv }), natsStore({ kv })] as const
    const rows = Array.from({ length: 40 }, () => rowFor({ user: 'dora' }))
    await Promise.all(rows.map((row, n) => stores[n % 2 === 0 ? 0 : 1].put(row, null)))
    expect((await stores[0].idsOf?.('dora'))?.toSorted()).toEqual(rows.map(({ id }) => id).toSorted())
    await Promise.all(rows.map(({ id }, n) => stores[n % 2 === 0 ? 1 : 0].delete(id)))
    expect(await stores[0].idsOf?.('dora')).toEqual([])
    const lists: string[] = []
    for await (const key of await kv.keys('u.*')) lists.push((await kv.get(key))?.string() ?? '')
    expect(lists.filter((list) => rows.some(({ id }) => list.includes(id)))).toEqual([])
  })

  it('L-10 a session in use outlives the ttl of the bucket, and stays listed', async () => {
    const store = natsStore({ kv: await bucketWith({ ttl: 2_000 }) })
    const row = rowFor({ user: 'ann', expiresAt: Date.now() + 1_000 })
    let version = await store.put(row, null)
    for (let n = 0; n < 8; n++) {
      await sleep(500)
      version = await store.put({ ...row, expiresAt: Date.now() + 1_000 }, version)
      expect(version).not.toBe(null)
      expect(await store.idsOf?.('ann')).toEqual([row.id])
    }
  })

  it('R-02 what was deleted stays dead when its marker is gone too, and a new row has a new version', async () => {
    const bucket = await bucketWith({ ttl: 1_000 })
    const store = natsStore({ kv: bucket })
    const row = rowFor({ expiresAt: Date.now() + 900 })
    const version = await store.put(row, null)
    await store.delete(row.id)
    await sleep(1_500)
    expect((await bucket.status()).values).toBe(0)
    expect(await store.put({ ...row, expiresAt: Date.now() + 900 }, version)).toBe(null)
    expect(await store.get(row.id)).toBe(null)
    const anew = await store.put({ ...row, expiresAt: Date.now() + 900 }, null)
    expect(anew).not.toBe(version)
    expect(await store.put({ ...row, expiresAt: Date.now() + 900 }, version)).toBe(null)
  })

  it('a session that is to outlive the ttl of the bucket is refused with what to do', async () => {
    const store = natsStore({ kv: await bucketWith({ ttl: hourMs }) })
    await expect(store.put(rowFor({ expiresAt: Date.now() + 2 * hourMs }), null)).rejects.toThrow(/3600000 ms.*twice the idle timeout/)
    expect(await store.put(rowFor({ expiresAt: Date.now() + hourMs - 60_000 }), null)).not.toBe(null)
  })

  it('a row over the maxValueSize of the bucket is session_too_large, and so is one the server refuses', async () => {
    const bucket = await bucketWith({ ttl: hourMs, maxValueSize: 10_000 })
    const row = rowFor({ user: 'ann' })
    await expect(natsStore({ kv: bucket }).put({ ...row, body: 'x'.repeat(9_900) }, null)).rejects.toEqual(refusing('session_too_large'))
    expect((await bucket.status()).values, 'refused before anything is written').toBe(0)
    const boasting = Object.assign(Object.create(bucket) as KV, {
      status: async () => statusOf(await bucket.status(), { maxValueSize: -1 }),
    })
    const told = natsStore({ kv: boasting }).put({ ...row, body: 'x'.repeat(20_000) }, null)
    await expect(told).rejects.toEqual(refusing('session_too_large'))
  })

  it('ready refuses a bucket that is missing, hoards, forgets, evicts, or reads from any replica', async () => {
    const good = await bucketWith({ ttl: hourMs, max_bytes: 1_000_000 })
    const altered = (change: object, insides: object = {}): KV =>
      Object.assign(Object.create(good) as KV, { status: async () => statusOf(await good.status(), change), ...insides })
    await natsStore({ kv: good }).ready?.()
    for (const [bucket, sentence] of [
      [await bucketWith({}), /give it a ttl/],
      [await bucketWith({ ttl: hourMs, storage: 'memory' }), /storage: 'file'/],
      [altered({ config: { discard: 'old' } }), /discard policy/],
      [altered({ config: { discard: 'old', max_bytes: -1, max_msgs: 1_000 } }), /discard policy/],
      [altered({ config: { allow_rollup_hdrs: false } }), /allow_rollup_hdrs/],
      [altered({ config: { num_replicas: 3 } }, { direct: true }), /allow_direct: false/],
    ] as const) {
      await expect(natsStore({ kv: bucket }).ready?.()).rejects.toThrow(sentence)
      await expect(natsStore({ kv: bucket }).ready?.()).rejects.toEqual(refusing('config_invalid'))
    }
    const missing = natsStore({ kv: await buckets.open('nowhere') })
    await expect(missing.ready?.()).rejects.toThrow(/new Kvm\(connection\)\.create/)
    for (const call of [
      () => missing.get(newId()),
      () => missing.put(rowFor(), null),
      () => missing.delete(newId()),
      () => missing.idsOf?.('ann'),
    ]) {
      await expect(call()).rejects.toEqual(refusing('store_unavailable'))
    }
  })

  it('a full bucket refuses writes, and drops nobody', async () => {
    const store = natsStore({ kv: await bucketWith({ ttl: hourMs, max_bytes: 50_000 }) })
    const kept = rowFor({ body: 'x'.repeat(30_000) })
    const version = await store.put(kept, null)
    await expect(store.put(rowFor({ body: 'x'.repeat(30_000) }), null)).rejects.toEqual(refusing('store_unavailable'))
    expect(await store.get(kept.id)).toEqual({ ...kept, version })
    await store.delete(kept.id)
    expect(await store.get(kept.id)).toBe(null)
  })

  it('a stream that somebody else made can be a bucket', async () => {
    const name = `test-${newId()}`
    const streams = (await jetstreamManager(connection)).streams
    const limits = { max_msgs_per_subject: 5, max_age: hourMs * 1e6, allow_rollup_hdrs: true, discard: 'new' } as const
    await streams.add({ name: `KV_${name}`, subjects: [`$KV.${name}.>`], ...limits })
    const store = natsStore({ kv: await buckets.open(name) })
    await store.ready?.()
    const row = rowFor({ expiresAt: Date.now() + 60_000 })
    const version = await store.put(await store.put(row, null).then(() => row), null)
    expect(version).toBe(null)
    await store.delete(row.id)
    expect((await streams.info(`KV_${name}`)).state.messages, 'old revisions of an ended session').toBe(1)
  })
})

type NatsStatus = Awaited<ReturnType<NatsBucket['status']>>

/** A status with some of it altered. */
function statusOf(status: NatsStatus, { config, ...change }: { readonly config?: object; readonly maxValueSize?: number }): NatsStatus {
  return {
    ttl: status.ttl,
    maxValueSize: status.maxValueSize,
    streamInfo: { config: { ...status.streamInfo.config, ...config } },
    ...change,
  }
}
