import { setTimeout as sleep } from 'node:timers/promises'
import { type Collection, MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { freePort } from '../../scripts/servers/launch.ts'
import { mongodbStore } from '../../src/stores/mongodb.ts'
import { faultProxy } from '../support/fault-proxy.ts'
import { type MongoDouble, startMongoDouble } from '../support/mongo-double.ts'
import type { Doc } from '../support/mongo-wire.ts'
import { mongodb } from './profiles/mongodb.ts'
import { newId, refusing, rowFor } from './rows.ts'
import { storeSuite } from './suite.ts'

storeSuite(mongodb)

describe('mongodbStore says what is wrong with its options', () => {
  it.each([
    [{}, /client\.db\('shop'\)\.collection\('sessions'\)/],
    [{ collection: null }, /needs a collection/],
    [{ collection: { findOne() {} } }, /needs a collection/],
    [{ collection: {}, prefix: 'x' }, /no option prefix/],
  ])('%j', (options, sentence) => {
    expect(() => mongodbStore(options as never)).toThrow(sentence)
  })
})

describe('mongodbStore, the official driver and the double', () => {
  let double: MongoDouble
  let client: MongoClient
  let collection: Collection<Doc & { readonly _id: string }>
  let store: ReturnType<typeof mongodbStore>

  beforeAll(async () => {
    double = await startMongoDouble()
    client = new MongoClient(double.url, { readPreference: 'secondaryPreferred', writeConcern: { w: 0 } })
    collection = client.db('coatcheck').collection('sessions')
    store = mongodbStore({ collection })
    await store.migrate()
  })
  afterAll(async () => {
    await client.close()
    await double.close()
  })

  const sentBy = async (call: () => Promise<unknown>): Promise<Doc[]> => {
    const before = double.seen.length
    await call()
    return double.seen.slice(before)
  }

  it('ready says what to do about missing indexes and a collation; migrate makes the indexes, and does so twice', async () => {
    const other = client.db('coatcheck').collection('other')
    const bare = mongodbStore({ collection: other })
    await expect(bare.ready?.()).rejects.toThrow(/await store\.migrate\(\)/)
    await other.createIndex({ user: 1 })
    await other.createIndex({ expiresAt: 1 })
    await expect(bare.ready?.()).rejects.toEqual(refusing('config_invalid'))
    await expect(bare.migrate()).rejects.toThrow(/drop the index/)
    const fresh = mongodbStore({ collection: client.db('coatcheck').collection('fresh') })
    await fresh.migrate()
    await fresh.migrate()
    await fresh.ready?.()
    const collated = mongodbStore({ collection: client.db('coatcheck').collection('some-collated') })
    await collated.migrate()
    await expect(collated.ready?.()).rejects.toThrow(/collation/)
  })

  it('P-05 documents of somebody else are rows that the engine refuses, and no put replaces them', async () => {
    const expiresAt = new Date()
    for (const fields of [
      {},
      { body: 1 },
      { body: '', version: 'x' },
      { body: '', version: 'x', expiresAt: 1 },
      { body: '', version: 'x', expiresAt, user: 7 },
    ]) {
      const row = rowFor()
      await collection.insertOne({ _id: row.id, ...fields }, { writeConcern: { w: 1 } })
      const foreign = { id: row.id, body: '?', user: null, expiresAt: 0, version: '' }
      expect(await store.get(row.id)).toEqual(foreign)
      expect(await store.getMany?.([row.id])).toEqual([foreign])
      expect(await store.put(row, null)).toBe(null)
      expect(await store.put(row, '')).toBe(null)
      await store.delete(row.id)
      expect(await store.get(row.id)).toBe(null)
    }
  })

  it('an empty body comes back', async () => {
    const row = rowFor({ body: '' })
    const version = await store.put(row, null)
    expect(await store.get(row.id)).toEqual({ ...row, version })
  })

  it('R-06 reads go to the primary and writes wait for a majority, whatever the client is told', async () => {
    const row = rowFor({ user: 'ann' })
    const version = (await store.put(row, null)) ?? ''
    const writes = await sentBy(async () => {
      await store.put(row, null)
      await store.put(row, version)
      await store.touch?.(row.id, row.expiresAt + 1)
      await store.delete(row.id)
    })
    expect(writes.map((sent) => Object.keys(sent)[0])).toEqual(['insert', 'update', 'update', 'delete'])
    for (const sent of writes) expect(sent['writeConcern']).toEqual({ w: 'majority', j: true })
    const reads = await sentBy(async () => {
      await store.get(row.id)
      await store.getMany?.([row.id])
      await store.idsOf?.('ann')
      await store.scan?.(null, 10)
    })
    expect(reads).toHaveLength(4)
    // A driver with a direct connection says `primaryPreferred` of what was to be `primary`.
    for (const sent of reads) expect(JSON.stringify(sent['$readPreference'] ?? 'primary')).not.toMatch(/secondary|nearest/)
  })

  it('F-22 nothing that is asked is an operator', async () => {
    const row = rowFor({ user: '{"$gt":""}' })
    const version = await store.put(row, null)
    expect(await store.idsOf?.('$gt')).toEqual([])
    expect(await store.idsOf?.('{"$gt":""}')).toEqual([row.id])
    expect(await store.get('$where')).toBe(null)
    expect(await store.put(row, '$ne')).toBe(null)
    expect(await store.get(row.id)).toEqual({ ...row, version })
  })

  it('a user with more sessions than one batch has them all', async () => {
    const user = `user ${newId()}`
    const rows = Array.from({ length: 250 }, () => rowFor({ user }))
    await Promise.all(rows.map((row) => store.put(row, null)))
    expect((await store.idsOf?.(user))?.toSorted()).toEqual(rows.map(({ id }) => id).toSorted())
    expect(await store.getMany?.(rows.map(({ id }) => id))).toHaveLength(250)
  })

  it('F-07 a put whose reply is lost is repeated by the driver, and done once', async () => {
    const proxy = await faultProxy(double.port)
    const settings = { serverSelectionTimeoutMS: 5_000, heartbeatFrequencyMS: 500 }
    const behind = new MongoClient(double.url.replace(`:${double.port}`, `:${proxy.port}`), settings)
    const repeating = mongodbStore({ collection: behind.db('coatcheck').collection('sessions') })
    const row = rowFor()
    const first = (await repeating.put(row, null)) ?? ''
    proxy.set({ kind: 'lose-reply' })
    const sent = sentBy(async () => {
      const putting = repeating.put({ ...row, body: '"lost reply"' }, first)
      await sleep(200)
      proxy.set(null)
      expect(await store.get(row.id)).toEqual({ ...row, body: '"lost reply"', version: await putting })
    })
    const updates = (await sent).filter((command) => command['update'] !== undefined)
    expect(updates).toHaveLength(2)
    expect(updates[0]?.['txnNumber']).toEqual(updates[1]?.['txnNumber'])
    await behind.close()
    await proxy.close()
  })

  it('a document just over the limit is session_too_large, one just under it is kept', async () => {
    await expect(store.put(rowFor({ body: 'é'.repeat(8 * 1024 * 1024) }), null)).rejects.toEqual(refusing('session_too_large'))
    const row = rowFor({ body: 'é'.repeat(8 * 1024 * 1024 - 512) })
    expect(await store.put(row, null)).not.toBe(null)
    expect((await store.get(row.id))?.body.length).toBe(row.body.length)
    await store.delete(row.id)
  })

  it('F-01 with a wrong password everything rejects with store_unavailable and what to do, and nothing says the password', async () => {
    const stranger = new MongoClient(double.url.replace('://', '://app:wrong-password@'), { serverSelectionTimeoutMS: 300 })
    const wrong = mongodbStore({ collection: stranger.db('coatcheck').collection('sessions') })
    const error = (await wrong.ready?.().catch((reason: unknown) => reason)) as Error
    expect(error.message).toMatch(/check the name and the password/)
    for (const call of [() => wrong.get(newId()), () => wrong.put(rowFor(), null), () => wrong.delete(newId()), () => wrong.migrate()]) {
      await expect(call()).rejects.toEqual(refusing('store_unavailable'))
    }
    expect(`${error.stack} ${String(error.cause)}`).not.toMatch(/wrong-password/)
    await stranger.close()
    await expect(wrong.get(newId())).rejects.toThrow(/the client was closed/)
  })

  it('F-01 a server that comes up after the application is found, though the driver has given up', async () => {
    const port = await freePort()
    const early = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`, { serverSelectionTimeoutMS: 300 })
    const waiting = mongodbStore({ collection: early.db('coatcheck').collection('sessions') })
    await expect(waiting.ready?.()).rejects.toThrow(/see that MongoDB is there/)
    await expect(waiting.get(newId())).rejects.toEqual(refusing('store_unavailable'))
    const late = await startMongoDouble(port)
    await vi.waitFor(async () => expect(await waiting.get(newId())).toBe(null), { timeout: 5_000 })
    await early.close()
    await late.close()
  })

  it('a client that its owner closes while a call waits stays closed', async () => {
    const port = await freePort()
    const closed = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`, { serverSelectionTimeoutMS: 5_000 })
    const waiting = mongodbStore({ collection: closed.db('coatcheck').collection('sessions') })
    const call = waiting.get(newId()).catch((reason: unknown) => reason)
    await sleep(200)
    await closed.close()
    expect(await call).toEqual(refusing('store_unavailable'))
    const late = await startMongoDouble(port)
    await sleep(1_000)
    await expect(waiting.get(newId())).rejects.toThrow(/the client was closed/)
    await late.close()
  })
})
