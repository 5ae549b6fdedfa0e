import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import type { SessionStore } from '../../src/core/types.ts'
import { memoryStore, type MemoryStoreOptions } from '../../src/stores/memory.ts'
import { fakeClock } from '../../src/testing/fake-clock.ts'
import { HonestStore } from './honest-store.ts'

const hourMs = 3_600_000
const time = fakeClock()

function open(options: MemoryStoreOptions = {}): SessionStore {
  return memoryStore({ clock: time.clock, ...options })
}

async function fill(
  store: SessionStore,
  ids: readonly string[],
  { lifeMs = hourMs, body = '{}', user = null as string | null } = {},
): Promise<void> {
  for (const id of ids) expect(await store.put({ id, body, user, expiresAt: time.clock() + lifeMs }, null)).not.toBeNull()
}

async function idsIn(store: SessionStore): Promise<string[]> {
  return ((await store.scan?.(null, Number.POSITIVE_INFINITY))?.ids ?? []).toSorted()
}

/** How many rows of this body a store of a megabyte keeps. */
async function rowsThatFit(body: string): Promise<number> {
  const store = open({ bytesMax: 1_000_000 })
  await fill(store, names(2_000), { body })
  return (await idsIn(store)).length
}

const names = (count: number): string[] => Array.from({ length: count }, (_, n) => `id-${n}`.padEnd(24, '-'))

describe('when there is no room', () => {
  test('who was unused for longest goes; get, getNow, put and touch are uses', async () => {
    const store = open({ rowsMax: 5 })
    await fill(store, ['a', 'b', 'c', 'd', 'e'])
    await store.get('a')
    store.getNow?.('b')
    const row = await store.get('c')
    await store.put({ id: 'c', body: '{}', user: null, expiresAt: time.clock() + hourMs }, row?.version ?? null)
    await store.touch?.('d', time.clock() + 2 * hourMs)
    await fill(store, ['f'])
    expect(await idsIn(store)).toEqual(['a', 'b', 'c', 'd', 'f'])
    await fill(store, ['g', 'h'])
    expect(await idsIn(store)).toEqual(['c', 'd', 'f', 'g', 'h'])
  })

  test('the expired go first, however recently they were used', async () => {
    const store = open({ rowsMax: 10 })
    await fill(store, ['old'])
    await fill(store, names(8), { lifeMs: 1_000 })
    await fill(store, ['new'])
    for (const id of names(8)) await store.get(id)
    time.advance(1_001)
    await fill(store, ['a', 'b', 'c', 'd'])
    expect(await idsIn(store)).toEqual(expect.arrayContaining(['old', 'new', 'a', 'b', 'c', 'd']))
  })

  test('the expired go first also when one row needs the room of many', async () => {
    const store = open({ bytesMax: 50_000 })
    await fill(store, ['old'])
    await fill(store, names(40), { body: 'x'.repeat(500), lifeMs: 1_000 })
    time.advance(1_001)
    await fill(store, ['large'], { body: 'x'.repeat(30_000) })
    expect(await idsIn(store)).toEqual(expect.arrayContaining(['large', 'old']))
  })

  test('D-06 the bound on rows holds under a flood', async () => {
    const store = open({ rowsMax: 1_000 })
    for (let n = 0; n < 50; n++) {
      await fill(
        store,
        names(400).map((id) => `${n}.${id}`),
      )
      expect((await idsIn(store)).length).toBeLessThanOrEqual(1_000)
    }
    expect((await idsIn(store)).length).toBe(1_000)
  })

  test('D-06 the bound on bytes holds, also when rows grow', async () => {
    const store = open({ bytesMax: 100_000 })
    await fill(store, names(50), { body: 'x'.repeat(1_000), user: 'ann' })
    expect((await idsIn(store)).length).toBe(50)
    for (const id of names(50).slice(20)) {
      const row = await store.get(id)
      if (row !== null) await store.put({ ...row, body: 'x'.repeat(5_000) }, row.version)
    }
    const left = await idsIn(store)
    expect(left.length).toBeGreaterThan(15)
    expect(left.length).toBeLessThan(20)
    expect((await store.idsOf?.('ann'))?.toSorted()).toEqual(left)
    // And what was taken is given back: as many fit as at first.
    for (const id of left) await store.delete(id)
    await fill(store, names(50), { body: 'x'.repeat(1_000) })
    expect((await idsIn(store)).length).toBe(50)
  })

  test('a text beyond Latin-1 counts two bytes for each character', async () => {
    expect(await rowsThatFit('é'.repeat(1_000))).toBe(await rowsThatFit('x'.repeat(1_000)))
    expect(await rowsThatFit('李'.repeat(500))).toBe(await rowsThatFit('x'.repeat(1_000)))
  })

  test('a row that alone is too large is refused, and nobody goes for it', async () => {
    const store = open({ bytesMax: 100_000 })
    await fill(store, names(50))
    await expect(
      store.put({ id: 'huge', body: 'x'.repeat(100_000), user: null, expiresAt: time.clock() + hourMs }, null),
    ).rejects.toMatchObject({
      code: 'session_too_large',
    })
    expect((await idsIn(store)).length).toBe(50)
  })
})

test('D-06 expired rows do not pile up while others come', async () => {
  const store = open()
  let most = 0
  for (const id of names(5_000)) {
    await fill(store, [id], { lifeMs: 100 })
    time.advance(1)
    most = Math.max(most, (await idsIn(store)).length)
  }
  expect(most).toBeLessThanOrEqual(103)
})

test('the index of users follows what goes to make room', async () => {
  const store = open({ rowsMax: 3 })
  await fill(store, ['a', 'b'], { user: 'ann' })
  await fill(store, ['c'], { user: 'bob' })
  await fill(store, ['d'], { user: 'ann' })
  expect(await store.idsOf?.('ann')).toEqual(['b', 'd'])
  await fill(store, ['e', 'f'])
  expect(await store.idsOf?.('ann')).toEqual(['d'])
  expect(await store.idsOf?.('bob')).toEqual([])
})

test('scan names each id once', async () => {
  const store = open()
  await fill(store, names(100))
  await store.delete(names(50)[49] ?? '')
  const ids: string[] = []
  let cursor: string | null = null
  do {
    const page: { ids: string[]; cursor: string | null } | undefined = await store.scan?.(cursor, 10)
    ids.push(...(page?.ids ?? []))
    cursor = page?.cursor ?? null
  } while (cursor !== null)
  expect(ids.toSorted()).toEqual(await idsIn(store))
})

test('finds exactly what has expired among a thousand that came and went', async () => {
  const ms = fc.array(fc.nat(1_000), { minLength: 1_000, maxLength: 1_000, size: 'max' })
  await fc.assert(
    fc.asyncProperty(ms, fc.array(fc.nat(999), { maxLength: 500, size: 'max' }), async (lives, ended) => {
      const store = memoryStore({ clock: () => 0 })
      for (const [n, expiresAt] of lives.entries()) await store.put({ id: `${n}`, body: '', user: null, expiresAt }, null)
      for (const n of ended) await store.delete(`${n}`)
      const left = lives.filter((_, n) => !ended.includes(n))
      for (const now of [100, 500, 1_001]) {
        const there = (await idsIn(store)).length
        const live = left.filter((expiresAt) => expiresAt >= now).length
        expect(await store.sweep?.(now, 1_000)).toBe(there - live)
        expect((await idsIn(store)).length).toBe(live)
      }
    }),
    { numRuns: 20, endOnFailure: true },
  )
})

type Step = readonly [what: 'put' | 'touch' | 'delete' | 'sweep' | 'wait', n: number, ms: number]

test('does what the honest store does, whatever is done in whatever order', async () => {
  const step = fc.tuple(fc.constantFrom('put', 'touch', 'delete', 'sweep', 'wait'), fc.nat(40), fc.integer({ min: -50, max: 300 }))
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 400, size: 'max' }), async (steps: Step[]) => {
      const own = fakeClock(1_000)
      // At rest, or it would drop expired rows between two steps.
      const [store, model] = [memoryStore({ clock: () => 0 }), new HonestStore()]
      for (const [what, n, ms] of steps) {
        const id = `id-${n}`
        const expiresAt = own.clock() + ms
        if (what === 'wait') own.advance(Math.max(0, ms))
        if (what === 'delete') await Promise.all([store.delete(id), model.delete(id)])
        if (what === 'touch') expect(await store.touch?.(id, expiresAt)).toBe(await model.touch(id, expiresAt))
        if (what === 'put') {
          const row = { id, body: `${ms}`, user: n % 3 === 0 ? null : `user-${ms % 3}`, expiresAt }
          await Promise.all([store, model].map(async (one) => one.put(row, (await one.get(id))?.version ?? null)))
        }
        if (what === 'sweep') {
          expect(await store.sweep?.(own.clock(), n)).toBe(Math.min(n, model.expired(own.clock()).length))
          // Which of the expired go first is the store's own affair.
          for (const gone of model.expired(own.clock())) if ((await store.get(gone)) === null) await model.delete(gone)
        }
        expect(await idsIn(store)).toEqual([...model.rows.keys()].toSorted())
      }
      for (const row of model.rows.values())
        expect(await store.get(row.id)).toMatchObject({ body: row.body, user: row.user, expiresAt: row.expiresAt })
      for (const user of ['user-0', 'user-1', 'user-2', 'user--1', 'user--2']) {
        expect((await store.idsOf?.(user))?.toSorted()).toEqual((await model.idsOf(user)).toSorted())
      }
    }),
    { numRuns: 100 },
  )
})

describe('memory', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const heapBytes = (): number => {
    for (let round = 0; round < 3; round++) collect()
    return process.memoryUsage().heapUsed
  }
  let store = open()
  afterEach(() => (store = open()))

  test('a text cut from a request does not keep the request alive', async () => {
    const before = heapBytes()
    for (const id of names(200)) {
      const request = Buffer.alloc(100_000, id).toString('latin1')
      await fill(store, [request.slice(48, 72)], { body: request.slice(72, 1_072), user: request.slice(1_200, 1_224) })
      await store.put(
        { id: request.slice(48, 72), body: request.slice(96, 1_096), user: request.slice(2_400, 2_424), expiresAt: 1e15 },
        (await store.get(id))?.version ?? null,
      )
    }
    expect((heapBytes() - before) / 200).toBeLessThan(10_000)
    expect((await idsIn(store)).length).toBe(200)
  })

  test.each([null, 'a user for each', 'a user for four'])('a row of 1 KB takes at most 1.5 KB among 100,000, with %s', async (users) => {
    const count = 100_000
    const before = heapBytes()
    for (let n = 0; n < count; n++) {
      const user = users === null ? null : `user-${users === 'a user for each' ? n : n % (count / 4)}`
      await store.put({ id: `${n}`.padEnd(24, '-'), body: `${n}`.padEnd(1_000, 'x'), user, expiresAt: 1e12 + n }, null)
    }
    expect((heapBytes() - before) / count).toBeLessThan(1_536)
  })
})

describe('options', () => {
  test.each([{ rowsMax: 0 }, { rowsMax: 1.5 }, { bytesMax: -1 }, { bytesMax: Number.NaN }, { rowMax: 5 }, null])(
    '%o is refused',
    (options) => {
      expect(() => memoryStore(options as MemoryStoreOptions)).toThrow(expect.objectContaining({ code: 'config_invalid' }) as Error)
    },
  )

  test('P-02 a polluted prototype decides nothing', async () => {
    const prototype = Object.prototype as { rowsMax?: number }
    prototype.rowsMax = 1
    try {
      const store = memoryStore({})
      await fill(store, ['a', 'b'])
      expect(await idsIn(store)).toEqual(['a', 'b'])
    } finally {
      delete prototype.rowsMax
    }
  })
})
