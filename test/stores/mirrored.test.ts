import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { SessionStore } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { mirroredStore, type MirroredStoreOptions } from '../../src/stores/mirrored.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { failingStore, storeContract } from '../../src/testing/index.ts'
import type { Lack } from '../../src/testing/index.ts'
import { counted } from '../support/backends.ts'
import { whatCameBack } from './mirrored-ends.ts'

const folder = mkdtempSync(join(tmpdir(), 'coatcheck-mirrored-'))
afterAll(() => rmSync(folder, { recursive: true }))

const noGathering: Lack = { rule: 'getMany', reason: 'neither of the two has it' }
const phases = ['from', 'to'] as const

// The second handle is in the same phase, and in the other one; twice on the same files.
const pairs = phases.flatMap((phase) => phases.map((second) => [phase, second] as const))
for (const [phase, secondPhase] of [...pairs, ...pairs]) {
  const open = (own: 'from' | 'to'): SessionStore => {
    const [from, to] = ['old', 'new'].map((name) => sqliteStore({ file: join(folder, `${name}-${phase}-${secondPhase}.db`) }))
    return mirroredStore({ from, to, phase: own } as MirroredStoreOptions)
  }
  storeContract(
    {
      name: `mirroredStore in phase '${phase}', beside one in phase '${secondPhase}'`,
      async open() {
        let store = open(phase)
        const second = open(secondPhase)
        return {
          store,
          second,
          async reopen() {
            await store.close?.()
            return (store = open(phase))
          },
          close: async () => void (await Promise.all([store.close?.(), second.close?.()])),
        }
      },
      lacks: [noGathering],
    },
    { describe, it },
  )
}

const id = 'a'.repeat(24)
const row = { id, body: '{"n":1}', user: 'ada', expiresAt: Date.now() + 3_600_000 }

/** Two stores that break on command, and mirrors over them. */
function setup(oldRows = memoryStore()) {
  const newRows = memoryStore()
  const [from, to] = [failingStore(oldRows), failingStore(newRows)]
  const open = (phase: 'from' | 'to', options: Partial<MirroredStoreOptions> = {}) =>
    mirroredStore({ from: from.store, to: to.store, phase, ...options })
  return { oldRows, newRows, from, to, open }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}

const everything = ['get', 'put', 'delete', 'touch', 'idsOf'] as const

describe('mirroredStore', () => {
  it("in phase 'from' the old store holds what it always held, and the new one copies that nobody answers", async () => {
    const { oldRows, newRows, open } = setup()
    const store = open('from')
    const version = (await store.put(row, null)) ?? ''
    await settled()
    expect(await oldRows.get(id)).toEqual({ ...row, version: version.slice('from:'.length) })
    expect((await newRows.get(id))?.body).toMatch(/^coatcheck-mirror \["copy"\]\n\{"n":1\}$/)
    expect(await newRows.idsOf?.('ada')).toEqual([])
    expect(await store.scan?.(null, 10)).toEqual({ ids: [id], cursor: '2' })
    expect(await store.scan?.('2', 10)).toEqual({ ids: [], cursor: null })
    // Somebody who knows only the old store ends it.
    await oldRows.delete(id)
    expect([await store.get(id), await open('to').get(id), await store.put(row, version)]).toEqual([null, null, null])
    expect(store.counters()).toEqual({ moved: 0, copied: 1, copyFailed: 0, followed: 0, left: null })
  })

  it("in phase 'to' a session moves when it is written or touched, not when it is read, and both phases go on with it", async () => {
    for (const how of ['put', 'touch'] as const) {
      const { oldRows, newRows, open } = setup()
      const [before, after] = [open('from'), open('to')]
      const version = (await before.put(row, null)) ?? ''
      await settled()
      expect(await after.get(id)).toEqual({ ...row, version })
      expect((await oldRows.get(id))?.body).toBe(row.body)
      const later = { ...row, expiresAt: row.expiresAt + 1_000 }
      if (how === 'put') await after.put(later, version)
      else await after.touch?.(id, later.expiresAt)
      expect(await newRows.get(id)).toMatchObject(later)
      expect((await oldRows.get(id))?.body).toMatch(/^coatcheck-mirror \["moved"/)
      expect([await before.get(id), await after.get(id)]).toEqual([expect.objectContaining(later), expect.objectContaining(later)])
      // What was seen before a touch may be written on; what was seen before another put may not.
      expect((await before.put({ ...later, body: '2' }, version)) === null).toBe(how === 'put')
      expect([await before.idsOf?.('ada'), await after.idsOf?.('ada')]).toEqual([[id], [id]])
      await before.delete(id)
      expect([await after.get(id), await oldRows.get(id), await newRows.get(id)]).toEqual([null, null, null])
      expect([after.counters().moved, before.counters().followed]).toEqual([1, 1])
    }
  })

  it('R-02 what has ended stays ended, where a delete got no further than half and a move stands still, and however late either goes on', async () => {
    expect(await whatCameBack(mirroredStore)).toEqual([])
  })

  it("F-13 in phase 'from' a new store that is away costs copies, not sessions", async () => {
    const { to, open } = setup()
    const failures: unknown[] = []
    const store = open('from', { onCopyFailure: (error) => failures.push(error) })
    for (const operation of everything) to.fault(operation, 'fail')
    const version = await store.put(row, null)
    expect(await store.get(id)).toMatchObject(row)
    const second = await store.put({ ...row, body: '2' }, version)
    expect(await store.touch?.(id, row.expiresAt + 1)).toBe(true)
    expect(await store.get(id)).toMatchObject({ body: '2', version: second })
    await settled()
    expect([store.counters().copyFailed, failures.length]).toEqual([2, 2])
    await store.delete(id)
    // Whether a session that is not here has moved there is not known.
    await expect(store.get(id)).rejects.toThrow(/told to fail/)
    to.heal()
    expect(await store.get(id)).toBeNull()
  })

  it("what the new store cannot keep is refused before anything has moved, and in phase 'from' it is a copy that failed", async () => {
    const { oldRows, newRows, from } = setup()
    const small = memoryStore({ bytesMax: 2_000 })
    const options = { from: from.store, to: small }
    const [before, after] = [mirroredStore({ ...options, phase: 'from' }), mirroredStore({ ...options, phase: 'to' })]
    const large = { ...row, body: 'x'.repeat(3_000) }
    const version = await before.put(large, null)
    await settled()
    expect(before.counters().copyFailed).toBe(1)
    await expect(after.put({ ...large, user: null }, version)).rejects.toMatchObject({ code: 'session_too_large' })
    expect(await after.get(id)).toEqual({ ...large, version })
    expect(await after.moveAll()).toEqual({ seen: 1, moved: 0, left: 1 })
    expect([after.counters().left, (await oldRows.get(id))?.body, await newRows.get(id)]).toEqual([1, large.body, null])
  })

  it('S3.4 moveAll moves all that lives, in pages, once, beside others that do the same', async () => {
    // At rest, so that it keeps what has expired.
    const { oldRows, newRows, open } = setup(memoryStore({ clock: () => 0 }))
    const now = Date.now()
    for (let n = 0; n < 130; n++) {
      const over = n % 13 === 0
      const [user, expiresAt] = over ? [null, now - 1_000] : [`user-${n % 7}`, now + 3_600_000]
      await oldRows.put({ ...row, id: `${n}`.padStart(24, 'x'), user, expiresAt }, null)
    }
    const seen: number[] = []
    const stores = [open('to'), open('to')] as const
    const [one, other] = await Promise.all([stores[0].moveAll({ progress: (progress) => seen.push(progress.seen) }), stores[1].moveAll()])
    expect(one.moved + other.moved).toBe(120)
    expect([one.left, other.left, stores[0].counters().left]).toEqual([0, 0, 0])
    expect(seen).toEqual([50, 100, 130])
    expect(await stores[0].moveAll()).toEqual({ seen: 130, moved: 0, left: 0 })
    expect((await newRows.idsOf?.('user-1'))?.length).toBe((await stores[0].idsOf?.('user-1'))?.length)
    // The new store alone has them all, as they were.
    for (let n = 0; n < 130; n++) expect((await newRows.get(`${n}`.padStart(24, 'x')))?.body).toBe(n % 13 === 0 ? undefined : row.body)
  })

  it('a copy that ends before its session is no claim: the new store may drop it while the session moves', async () => {
    const { oldRows, newRows, open } = setup()
    const version = await open('from').put({ ...row, expiresAt: Date.now() + 1_000 }, null)
    await settled()
    await oldRows.touch?.(id, row.expiresAt)
    const sweeping: SessionStore = {
      ...oldRows,
      put: (one, expected) => oldRows.put(one, expected).finally(() => newRows.sweep?.(Date.now() + 60_000, 10)),
    }
    const after = open('to', { from: sweeping })
    expect(await after.put({ ...row, body: '2' }, version)).not.toBeNull()
    expect(await after.get(id)).toMatchObject({ ...row, body: '2' })
  })

  it('getMany asks the store of the phase once, and the other only for what is not there', async () => {
    const [oldRows, newRows] = [memoryStore(), memoryStore()]
    const many = (store: SessionStore): SessionStore =>
      counted({ ...store, getMany: (ids) => Promise.all(ids.map((one) => store.get(one))) })
    const store = mirroredStore({ from: many(oldRows), to: many(newRows) })
    await store.put(row, null)
    const other = { ...row, id: 'b'.repeat(24) }
    await mirroredStore({ from: oldRows, to: newRows, phase: 'to' }).put(other, null)
    const answers = await store.getMany?.([other.id, 'c'.repeat(24), id])
    expect(answers).toEqual([await store.get(other.id), null, await store.get(id)])
  })

  it('P-05 junk that looks like a mark is no session', async () => {
    for (const words of ['', '[]', '["moving"]', '["moving",1,2]\n{}', '{"a":1}', '["moved",1]', '["plain"]\n{}']) {
      const { oldRows, newRows, open } = setup()
      for (const rows of [oldRows, newRows]) await rows.put({ ...row, body: `coatcheck-mirror ${words}` }, null)
      expect([await open('from').get(id), await open('to').get(id)]).toEqual([null, null])
    }
  })

  it('asks both whether they are ready, and closes both after the last copy', async () => {
    const { from, to, open } = setup()
    const calls: string[] = []
    const noting = (name: string, store: SessionStore): SessionStore => ({
      ...store,
      ready: async () => void calls.push(`${name} ready`),
      close: async () => void calls.push(`${name} closed`),
    })
    to.fault('put', { delayMs: 30 }, 1)
    const store = open('from', { from: noting('from', from.store), to: noting('to', to.store) })
    await store.ready?.()
    await store.put(row, null)
    await store.close?.()
    expect(calls).toEqual(['from ready', 'to ready', 'from closed', 'to closed'])
    expect(store.counters().copied).toBe(1)
  })

  const [memory, sqlite] = [memoryStore(), sqliteStore({ file: ':memory:' })]
  it.each([
    ['no options', undefined, /takes an object/],
    ['a stray option', { from: memory, to: sqlite, mode: 1 }, /no option mode/],
    ['no new store', { from: memory }, /to must be a session store/],
    ['one store twice', { from: memory, to: memory }, /the same store/],
    ['another phase', { from: memory, to: sqlite, phase: 'both' }, /phase must be 'from' or 'to'/],
    [
      'a store without compare-and-swap',
      { from: memory, to: { ...sqlite, guarantees: { ...sqlite.guarantees, compareAndSwap: false } } },
      /to has no compare/,
    ],
  ])('refuses %s', (_what, options, says) => {
    const make = (): unknown => mirroredStore(options as unknown as MirroredStoreOptions)
    expect(make).toThrow(says)
    expect(make).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  })

  it('moveAll is for the second phase, and for a store that can name its sessions', async () => {
    await expect(mirroredStore({ from: memory, to: sqlite }).moveAll()).rejects.toMatchObject({ code: 'config_invalid' })
    const { scan: _, ...silent } = memory
    await expect(mirroredStore({ from: silent, to: sqlite, phase: 'to' }).moveAll()).rejects.toMatchObject({ code: 'unsupported' })
  })
})
