/** What `SwappedRows` does with marks, on rows in a Map: how often it asks, what it remembers, when it gives up. */
import { expect, test } from 'vitest'
import type { StoredRow } from '../../src/core/types.ts'
import { type MarkedRows, type Seen, SwappedRows } from '../../src/stores/google/marked.ts'
import { hourMs, newRow } from './google-rows.ts'

interface Server {
  readonly store: SwappedRows<number>
  readonly other: SwappedRows<number>
  /** What `store` asked for. */
  readonly calls: string[]
  /** Where both write to. */
  readonly rows: MarkedRows<number>
  /** The row that `store` is about to put in the place of another. */
  asked(): StoredRow
  /** Happens before each write of `store`. */
  meanwhile: (id: string) => Promise<unknown>
}

function serve(): Server {
  const kept = new Map<string, Seen<number>>()
  let marks = 0
  const write = (row: StoredRow): number => {
    kept.set(row.id, { row: { ...row }, mark: ++marks })
    return marks
  }
  const under = (row: StoredRow, mark: number): number | null => (kept.get(row.id)?.mark === mark ? write(row) : null)
  const rows: MarkedRows<number> = {
    read: async (ids) => ids.map((id) => structuredClone(kept.get(id) ?? null)),
    create: async (row) => (kept.has(row.id) ? null : write(row)),
    replace: async (row, mark) => under(row, mark),
    prolong: async (row, mark) => under(row, mark),
    remove: async (id) => kept.delete(id),
  }
  const calls: string[] = []
  let asked: StoredRow | null = null
  const meant = async (what: string, id: string): Promise<void> => {
    calls.push(what)
    await server.meanwhile(id)
  }
  const watched: MarkedRows<number> = {
    read: (ids) => (calls.push('read'), rows.read(ids)),
    create: (row) => meant('create', row.id).then(() => rows.create(row)),
    replace: (row, mark) => ((asked = row), meant('replace', row.id).then(() => rows.replace(row, mark))),
    prolong: (row, mark) => meant('prolong', row.id).then(() => rows.prolong(row, mark)),
    remove: (id) => meant('remove', id).then(() => rows.remove(id)),
  }
  const server: Server = {
    store: new SwappedRows(watched),
    other: new SwappedRows(rows),
    calls,
    rows,
    asked: () => asked ?? expect.unreachable('nothing was asked'),
    meanwhile: async () => null,
  }
  return server
}

async function createOn({ store }: Server): Promise<StoredRow> {
  const row = newRow()
  return { ...row, version: (await store.put(row, null)) ?? '' }
}

test('S2.2 after a read a write and a touch are one call each', async () => {
  const server = serve()
  const row = await createOn(server)
  await server.other.put({ ...row, body: '"other"' }, row.version)
  const read = await server.store.get(row.id)
  server.calls.length = 0
  await server.store.touch(row.id, row.expiresAt + hourMs)
  const version = await server.store.put({ ...row, body: '"next"' }, read?.version ?? '')
  await server.store.put({ ...row, body: '"last"' }, version)
  expect(server.calls).toEqual(['prolong', 'replace', 'replace'])
})

test('R-03 what others touched meanwhile is written all the same, with their expiry looked at', async () => {
  const server = serve()
  const row = await createOn(server)
  server.calls.length = 0
  const later = row.expiresAt + hourMs
  server.meanwhile = async (id) => {
    server.meanwhile = async () => null
    await server.other.touch(id, later)
  }
  expect(await server.store.touch(row.id, row.expiresAt + 1)).toBe(true)
  expect(server.calls).toEqual(['prolong', 'read'])
  expect(await server.store.get(row.id)).toEqual({ ...row, expiresAt: later })
})

test('R-03 a row that is touched at each of ten tries is given up, with nothing written', async () => {
  const server = serve()
  const row = await createOn(server)
  let later = row.expiresAt
  server.calls.length = 0
  server.meanwhile = (id) => server.other.touch(id, (later += hourMs))
  await expect(server.store.put({ ...row, body: '"late"' }, row.version)).rejects.toMatchObject({ code: 'store_unavailable' })
  expect(server.calls.filter((call) => call === 'replace')).toHaveLength(10)
  expect(await server.other.get(row.id)).toEqual({ ...row, expiresAt: later })
})

test('R-02 what was remembered of a deleted row neither revives it nor holds for its successor', async () => {
  const server = serve()
  const row = await createOn(server)
  await server.other.delete(row.id)
  expect(await server.store.put(row, row.version)).toBeNull()
  expect(await server.store.touch(row.id, row.expiresAt + hourMs)).toBe(false)
  const again = await createOn(server)
  await server.other.delete(again.id)
  const successor = await server.other.put(again, null)
  expect(await server.store.put({ ...again, body: '"dead"' }, again.version)).toBeNull()
  expect(await server.store.get(again.id)).toEqual({ ...again, version: successor })
})

test('R-03 a row that was seen long ago costs a read more', async () => {
  const server = serve()
  const row = await createOn(server)
  for (let n = 0; n < 300; n++) await createOn(server)
  server.calls.length = 0
  expect(await server.store.put(row, row.version)).not.toBeNull()
  expect(server.calls).toEqual(['read', 'replace'])
})

test('what is handed out is not what is remembered', async () => {
  const server = serve()
  const row = await createOn(server)
  let { expiresAt } = row
  for (const hand of [(id: string) => server.store.get(id), async (id: string) => (await server.store.getMany([id]))[0]]) {
    Object.assign((await hand(row.id)) ?? {}, { body: '"changed"', user: 'mallory' })
    await server.store.touch(row.id, (expiresAt += hourMs))
    expect(await server.other.get(row.id)).toEqual({ ...row, expiresAt })
  }
})

test('2,500 rows are read a thousand at a time', async () => {
  const server = serve()
  const ids = Array.from({ length: 2_500 }, () => newRow().id)
  const row = await createOn(server)
  server.calls.length = 0
  const rows = await server.store.getMany([...ids, row.id, ...ids])
  expect(rows).toHaveLength(5_001)
  expect(rows[2_500]).toEqual(row)
  expect(server.calls).toEqual(['read', 'read', 'read'])
})

test.each([0, 1, 15])('F-07 R-01 a call that the client repeats has won, though %i others have written over it since', async (count) => {
  const server = serve()
  const row = await createOn(server)
  server.meanwhile = async () => {
    server.meanwhile = async () => null
    // What the client sent first, and got no answer to.
    const [first] = await server.rows.read([row.id])
    if (first !== null && first !== undefined) await server.rows.replace(server.asked(), first.mark)
    for (let n = 0; n < count; n++) await server.other.put({ ...row, body: `"${n}"` }, (await server.other.get(row.id))?.version ?? '')
  }
  const version = await server.store.put({ ...row, body: '"ours"' }, row.version)
  expect(version).not.toBeNull()
  expect(await server.store.put({ ...row, body: '"late"' }, row.version)).toBeNull()
  expect((await server.store.get(row.id))?.body).toBe(count === 0 ? '"ours"' : `"${count - 1}"`)
})
