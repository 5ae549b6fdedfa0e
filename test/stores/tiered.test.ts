import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { CoatcheckError, type SessionStore } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { type CacheFailure, tieredStore, type TieredStoreOptions } from '../../src/stores/tiered.ts'
import { failingStore, fakeClock, type FakeClock, storeContract } from '../../src/testing/index.ts'
import { counted } from '../support/backends.ts'

const folder = mkdtempSync(join(tmpdir(), 'coatcheck-tiered-'))
afterAll(() => rmSync(folder, { recursive: true }))

// Twice on the same file and the same cache: what an earlier run left must not matter.
const shared = memoryStore()
for (const time of ['once', 'and again']) {
  const open = (): SessionStore => tieredStore({ cache: shared, durable: sqliteStore({ file: join(folder, 'sessions.db') }) })
  storeContract(
    {
      name: `tieredStore, memory before SQLite, ${time}`,
      async open() {
        let store = open()
        const second = open()
        return {
          store,
          second,
          async reopen() {
            await store.close?.()
            return (store = open())
          },
          close: async () => void (await Promise.all([store.close?.(), second.close?.()])),
        }
      },
      lacks: [{ rule: 'getMany', reason: 'neither of the two has it' }],
    },
    { describe, it },
  )
}

const id = 'a'.repeat(24)
const row = { id, body: '{"n":1}', user: 'ada', expiresAt: 1_900_000_000_000 }

/** Stores that break on command, under a clock that a test moves. */
function setup() {
  const time = fakeClock()
  const { clock, timers } = time
  const failures: CacheFailure[] = []
  const [rows, entries] = [memoryStore({ clock }), memoryStore({ clock })]
  const [cache, durable] = [failingStore(entries), failingStore(rows)]
  /** A tieredStore, as one process has it. */
  const open = (options: Partial<TieredStoreOptions> = {}): SessionStore =>
    tieredStore({
      cache: cache.store,
      durable: durable.store,
      unsafeNotDurable: true,
      onCacheFailure: (failure) => failures.push(failure),
      clock,
      timers,
      ...options,
    })
  const loads = (): number => durable.calls('get')
  return { time, failures, rows, entries, cache, durable, open, loads }
}

/** Lets what is under way come to its end, in so far as it needs no timer. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Lets time pass until a call has ended. */
async function inTime<T>(time: FakeClock, call: Promise<T> | undefined): Promise<T | undefined> {
  while (!(await Promise.race([call?.then(() => true), settled().then(() => false)]))) time.advance(50)
  return call
}

const everything = ['get', 'put', 'delete', 'touch'] as const

describe('tieredStore', () => {
  it('answers from the cache: a hit asks nobody else, a write asks each once more', async () => {
    const { cache, durable, open, loads } = setup()
    const store = open()
    const version = await store.put(row, null)
    await store.get(id)
    expect([cache.calls('get'), cache.calls('put'), loads(), durable.calls('put')]).toEqual([2, 2, 0, 1])
    await store.put({ ...row, body: '2' }, version)
    expect([cache.calls('get'), cache.calls('put'), loads(), durable.calls('put')]).toEqual([2, 4, 0, 2])
  })

  it('what is not there is not asked for again, until somebody makes it', async () => {
    const { open, loads } = setup()
    const [one, other] = [open(), open()]
    expect(await one.get(id)).toBeNull()
    await settled()
    expect([await one.get(id), await other.get(id), loads()]).toEqual([null, null, 1])
    await other.put(row, null)
    expect(await one.get(id)).toMatchObject(row)
    expect(loads()).toBe(1)
  })

  it('F-13 an answer is older than staleMs never, however the cache lies', async () => {
    const { time, entries, rows, open, loads } = setup()
    const store = open({ staleMs: 3_000 })
    const version = (await store.put(row, null)) ?? ''
    // Behind everybody's back, as by a process that does not reach the cache.
    await rows.delete(id)
    time.advance(2_999)
    expect(await store.get(id)).toEqual({ ...row, version })
    time.advance(1)
    expect([await store.get(id), loads()]).toEqual([null, 1])
    // A clock that ran ahead wrote it.
    const ahead = JSON.stringify(['value', time.clock() + 10, version, 'ada', row.expiresAt])
    await entries.put({ id, body: `${ahead}\n{}`, user: null, expiresAt: row.expiresAt }, (await entries.get(id))?.version ?? null)
    expect(await store.get(id)).toBeNull()
  })

  it('F-13 durable store away: what is fresh is answered, what is not and every write is an error', async () => {
    const { time, durable, open } = setup()
    const store = open()
    const version = await store.put(row, null)
    for (const operation of everything) durable.fault(operation, 'fail')
    expect(await store.get(id)).toMatchObject(row)
    time.advance(1_000)
    await expect(store.get(id)).rejects.toThrow(/told to fail/)
    await expect(store.put({ ...row, body: '2' }, version)).rejects.toThrow(/told to fail/)
    await expect(store.delete(id)).rejects.toThrow(/told to fail/)
    durable.heal()
    expect(await store.get(id)).toEqual({ ...row, version })
  })

  it('F-13 a write that failed may have been done: its tombstone keeps the cache from knowing better, for tombstoneMs', async () => {
    const { time, rows, durable, open, loads } = setup()
    const [store, other] = [open(), open()]
    const version = (await store.put(row, null)) ?? ''
    durable.fault('put', 'fail', 1)
    await expect(store.put({ ...row, body: '2' }, version)).rejects.toThrow(/told to fail/)
    time.advance(4_999)
    expect([(await other.get(id))?.body, (await other.get(id))?.body, loads()]).toEqual([row.body, row.body, 2])
    // It arrives after all.
    await rows.put({ ...row, body: '2' }, version)
    expect((await other.get(id))?.body).toBe('2')
    time.advance(1)
    await other.get(id)
    await settled()
    await other.get(id)
    expect(loads()).toBe(4)
  })

  it.each(['fail', 'hang', 'lose-reply'] as const)('F-13 a cache that does this to every call costs no session: %s', async (fault) => {
    const { time, cache, failures, open } = setup()
    const store = open()
    for (const operation of everything) cache.fault(operation, fault)
    const version = await inTime(time, store.put(row, null))
    expect(await inTime(time, store.get(id))).toEqual({ ...row, version })
    expect(await inTime(time, store.touch?.(id, row.expiresAt + 1))).toBe(true)
    await inTime(time, store.delete(id))
    expect(await inTime(time, store.get(id))).toBeNull()
    expect(failures.length).toBeGreaterThanOrEqual(3)
    expect(failures.every(({ error }) => error instanceof Error)).toBe(true)
  })

  it('F-04 F-13 a cache that failed three times in a row is left alone for a second, then one call tries it', async () => {
    const { time, cache, open, loads } = setup()
    const store = open()
    cache.fault('get', 'fail')
    for (let reads = 0; reads < 10; reads++) await store.get(id)
    expect([cache.calls('get'), loads()]).toEqual([3, 10])
    time.advance(1_000)
    await Promise.all(Array.from({ length: 10 }, () => store.get(id)))
    expect([cache.calls('get'), loads()]).toEqual([4, 20])
    cache.heal()
    await store.get(id)
    expect(cache.calls('get')).toBe(4)
    time.advance(1_000)
    await store.get(id)
    await settled()
    await store.get(id)
    expect([cache.calls('get'), loads()]).toEqual([6, 22])
  })

  it('F-04 waits for the cache as long as it was told and not longer', async () => {
    const { time, cache, open } = setup()
    const store = open({ cacheDeadlineMs: 40 })
    cache.fault('get', 'hang', 1)
    let answered = false
    const reading = store.get(id).then(() => (answered = true))
    time.advance(39)
    await settled()
    expect(answered).toBe(false)
    time.advance(1)
    await reading
    expect(time.pending).toBe(0)
  })

  it('R-06 a process reads its own writes, also those the cache did not hear of', async () => {
    const { cache, open } = setup()
    const [store, other] = [open(), open()]
    const version = (await store.put(row, null)) ?? ''
    for (const operation of ['get', 'put'] as const) cache.fault(operation, 'fail', 2)
    expect(await store.put({ ...row, body: '2' }, version)).not.toBeNull()
    cache.heal()
    expect((await other.get(id))?.body, 'within staleMs another process may be behind').toBe(row.body)
    expect((await store.get(id))?.body).toBe('2')
    expect((await other.get(id))?.body, 'and what one knows better all know').toBe('2')
  })

  it('R-01 a put that lost does not meet the same old entry again', async () => {
    const { rows, open } = setup()
    const store = open()
    const stale = (await store.put(row, null)) ?? ''
    await rows.put({ ...row, body: '"other"' }, stale)
    expect((await store.get(id))?.body).toBe(row.body)
    expect(await store.put({ ...row, body: '2' }, stale)).toBeNull()
    expect((await store.get(id))?.body).toBe('"other"')
  })

  const junk = [
    '',
    'junk',
    '[]',
    '["value"]',
    '["value",1,"v",null]',
    '["value",1,2,3,4]\n{}',
    '["none"]',
    '["tomb",1]',
    '{"a":1}',
    '["value",9e15,"1",null,9e15]',
  ]
  it.each(junk)('P-05 F-19 what somebody else wrote into the cache is no answer: %s', async (body) => {
    const { rows, entries, open } = setup()
    const store = open()
    await rows.put(row, null)
    await entries.put({ id, body, user: null, expiresAt: row.expiresAt }, null)
    expect(await store.get(id)).toMatchObject(row)
    await store.delete(id)
    expect(await store.get(id)).toBeNull()
  })

  it("F-19 another session's entry is no answer", async () => {
    const { rows, entries, cache, open } = setup()
    await rows.put(row, null)
    const body = `${JSON.stringify(['value', Date.now(), '1', null, row.expiresAt])}\n{}`
    const other = { id: 'b'.repeat(24), body, user: null, expiresAt: row.expiresAt }
    const confused = { ...cache.store, get: async () => ({ ...other, version: '1' }) }
    expect(await open({ cache: confused }).get(id)).toMatchObject(row)
    expect(await entries.get(id)).toBeNull()
  })

  it('F-19 where both stores were given the same keys nothing is overwritten', async () => {
    const { rows, open } = setup()
    const version = await rows.put(row, null)
    const store = open({ cache: { ...rows }, durable: rows })
    expect(await store.get(id)).toEqual({ ...row, version })
    const second = await store.put({ ...row, body: '2' }, version)
    expect(await rows.get(id)).toEqual({ ...row, body: '2', version: second })
    await store.delete(id)
    expect(await rows.get(id)).toBeNull()
  })

  it('F-19 a durable store that answers too few rows, or of another session, leaves nothing of it in the cache', async () => {
    const { rows, entries, open } = setup()
    await rows.put(row, null)
    const few = open({ durable: { ...rows, getMany: async () => [] } })
    await expect(few.getMany?.([id])).rejects.toMatchObject({ code: 'store_unavailable' })
    const other = open({ durable: { ...rows, get: async () => ({ ...row, id: 'b'.repeat(24), version: '1' }) } })
    expect((await other.get(id))?.id).toBe('b'.repeat(24))
    await settled()
    expect((await entries.get(id))?.body).toBe('["hole"]')
  })

  it('F-10 a session that fits the durable store only is kept there', async () => {
    const { open, failures } = setup()
    const store = open({ cache: memoryStore({ bytesMax: 2_000 }) })
    const version = await store.put({ ...row, body: 'x'.repeat(3_000) }, null)
    expect([(await store.get(id))?.version, (await store.get(id))?.version]).toEqual([version, version])
    expect(await store.put(row, version)).not.toBeNull()
    expect(failures).toEqual([])
  })

  it('starts with a cache that is away, not with one that is set up wrongly, nor without the durable store', async () => {
    const { failures, open } = setup()
    const saying = (code: 'config_invalid' | 'store_unavailable'): SessionStore => ({
      ...memoryStore(),
      ready: () => Promise.reject(new CoatcheckError(code, 'as told')),
    })
    await open({ cache: saying('store_unavailable') }).ready?.()
    expect(failures.map(({ operation }) => operation)).toEqual(['ready'])
    await expect(open({ cache: saying('config_invalid') }).ready?.()).rejects.toMatchObject({ code: 'config_invalid' })
    await expect(open({ durable: saying('store_unavailable') }).ready?.()).rejects.toMatchObject({ code: 'store_unavailable' })
  })

  it('does not mind who listens to failures', async () => {
    const { cache, open } = setup()
    const warned = new Promise((resolve) => process.once('warning', resolve))
    const store = open({
      onCacheFailure() {
        throw new Error('a bad listener')
      },
    })
    cache.fault('get', 'fail', 1)
    expect(await store.get(id)).toBeNull()
    expect(String(await warned)).toContain('onCacheFailure')
  })

  it('closes both, and asks each for what it has', async () => {
    const [cache, durable] = [counted(memoryStore()), counted(sqliteStore({ file: ':memory:' }))]
    const store = tieredStore({ cache, durable, unsafeNotDurable: true })
    expect(store.guarantees).toEqual(durable.guarantees)
    await Promise.all([store.idsOf?.('ada'), store.scan?.(null, 1), store.sweep?.(0, 1)])
    await store.close?.()
    expect([cache.calls, durable.calls]).toEqual([[], ['idsOf', 'scan', 'sweep', 'close']])
  })

  const memory = memoryStore()
  const sqlite = sqliteStore({ file: join(folder, 'options.db') })
  const noSwap: SessionStore = { ...sqlite, guarantees: { ...sqlite.guarantees, compareAndSwap: false } }
  it.each([
    ['no options', undefined, /takes an object/],
    ['a stray option', { cache: memory, durable: sqlite, ttl: 1 }, /no option ttl/],
    ['no cache', { durable: sqlite }, /cache must be a session store/],
    ['a cache without compare-and-swap', { cache: noSwap, durable: sqlite }, /cache has no compare-and-swap/],
    ['a durable store without compare-and-swap', { cache: memory, durable: noSwap }, /durable has no compare-and-swap/],
    ['a durable store that is not', { cache: memory, durable: memoryStore() }, /unsafeNotDurable/],
    ['one store twice', { cache: sqlite, durable: sqlite }, /the same store/],
    ['staleMs 0', { cache: memory, durable: sqlite, staleMs: 0 }, /staleMs must be a whole number/],
    ['half a deadline', { cache: memory, durable: sqlite, cacheDeadlineMs: 0.5 }, /cacheDeadlineMs/],
    ['an endless tombstone', { cache: memory, durable: sqlite, tombstoneMs: 1e12 }, /tombstoneMs/],
  ])('refuses %s', (_what, options, says) => {
    const make = (): unknown => tieredStore(options as TieredStoreOptions)
    expect(make).toThrow(says)
    expect(make).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  })
})
