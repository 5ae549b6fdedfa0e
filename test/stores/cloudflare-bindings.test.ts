import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Miniflare } from 'miniflare'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSessions, type Row, type SessionEvent, type SessionStore } from '../../src/index.ts'
import { d1Store, type D1StoreOptions, durableObjectStore, type DurableObjectStoreOptions, kvStore } from '../../src/stores/cloudflare.ts'
import { secret } from '../support/backends.ts'
import { Visitor } from '../support/visitor.ts'
import { keysOf, objectsOf, startWorkerd } from '../support/workerd.ts'

const main = `
import { CoatcheckObject } from './src/stores/cloudflare.ts'
export { CoatcheckObject }
export class WithoutSql extends CoatcheckObject {}
export class Hasty extends CoatcheckObject { sweepEveryMs = 100 }
export class Other { fetch() { return Response.json({ hello: 'world' }) } }
export default { fetch: () => new Response('coatcheck') }`

const folder = mkdtempSync(join(tmpdir(), 'coatcheck-bindings-'))
let workerd: Miniflare

function start(): Promise<Miniflare> {
  return startWorkerd(main, {
    folder,
    d1Databases: ['DB'],
    kvNamespaces: ['KV'],
    durableObjects: {
      SESSIONS: { className: 'CoatcheckObject', useSQLite: true },
      WITHOUT_SQL: { className: 'WithoutSql' },
      HASTY: { className: 'Hasty', useSQLite: true },
      OTHER: { className: 'Other', useSQLite: true },
    },
  })
}

beforeAll(async () => {
  workerd = await start()
})

afterAll(async () => {
  await workerd.dispose()
  rmSync(folder, { recursive: true })
})

const database = (): Promise<D1StoreOptions['database']> => workerd.getD1Database('DB')
const objects = (name = 'SESSIONS'): Promise<DurableObjectStoreOptions['namespace']> => objectsOf(workerd, name)

function rowOf(columns: Partial<Row> = {}): Row {
  const id = Buffer.from(crypto.getRandomValues(new Uint8Array(18))).toString('base64url')
  return { id, body: '{}', user: null, expiresAt: Date.now() + 3_600_000, ...columns }
}

describe('options', () => {
  test.each<[string, () => unknown, string]>([
    ['d1Store without a binding', () => d1Store({ database: undefined as never }), 'env.DB'],
    ['durableObjectStore without a binding', () => durableObjectStore({ namespace: {} as never }), 'env.SESSIONS'],
    ['kvStore without a binding', () => kvStore({ namespace: undefined as never }), 'env.SESSIONS'],
    ['a misspelt option', () => kvStore({ namspace: {} } as never), 'no option namspace'],
  ])('%s', (_name, make, words) => {
    expect(make).toThrow(expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(words) }))
  })

  test('names that would say something else in SQL or in keys', async () => {
    const [db, namespace, keys] = [await database(), await objects(), await keysOf(workerd, 'KV')]
    for (const table of ['session; DROP TABLE x', 'a b', '', '1a', 'x'.repeat(64), 'sitzung"'])
      expect(() => d1Store({ database: db, table })).toThrow(expect.objectContaining({ code: 'config_invalid' }))
    for (const prefix of ['a b', 'x\n', 'ä']) {
      expect(() => durableObjectStore({ namespace, prefix })).toThrow(expect.objectContaining({ code: 'config_invalid' }))
      expect(() => kvStore({ namespace: keys, prefix })).toThrow(expect.objectContaining({ code: 'config_invalid' }))
    }
    for (const shards of [0, 1.5, 1_001, Number.NaN]) expect(() => durableObjectStore({ namespace, shards })).toThrow('shards')
  })
})

describe('ready', () => {
  test('d1Store says that the table is missing, and what to do; so does a read', async () => {
    const store = d1Store({ database: await database(), table: 'not_yet' })
    await expect(store.ready?.()).rejects.toMatchObject({ code: 'config_invalid', message: expect.stringContaining('store.migrate()') })
    await expect(store.get('a')).rejects.toMatchObject({ code: 'store_unavailable', message: expect.stringContaining('store.migrate()') })
    await store.migrate()
    await store.ready?.()
    const row = rowOf()
    await store.put(row, null)
    await store.migrate()
    expect(await store.get(row.id)).toMatchObject(row)
  })

  test("d1Store refuses another application's table", async () => {
    const db = await database()
    await db.prepare('CREATE TABLE theirs (id TEXT, sess TEXT)').all()
    const store = d1Store({ database: db, table: 'theirs' })
    await expect(store.ready?.()).rejects.toMatchObject({ code: 'config_invalid', message: expect.stringContaining('theirs') })
  })

  test('durableObjectStore says that the class is another, or was bound without SQLite', async () => {
    const other = durableObjectStore({ namespace: await objects('OTHER') })
    await expect(other.ready?.()).rejects.toMatchObject({ code: 'config_invalid', message: expect.stringContaining('not CoatcheckObject') })
    await expect(other.get('a')).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringContaining('not CoatcheckObject'),
    })
    const withoutSql = durableObjectStore({ namespace: await objects('WITHOUT_SQL') })
    await expect(withoutSql.ready?.()).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('new_sqlite_classes'),
    })
    await expect(withoutSql.get('a')).rejects.toMatchObject({ code: 'store_unavailable' })
  })
})

describe('prefixes', () => {
  test('two prefixes are two stores', async () => {
    const [namespace, keys] = [await objects(), await keysOf(workerd, 'KV')]
    const pairs: [SessionStore, SessionStore][] = [
      [durableObjectStore({ namespace, shards: 1, prefix: 'a.' }), durableObjectStore({ namespace, shards: 1, prefix: 'b:' })],
      [kvStore({ namespace: keys, prefix: 'a:' }), kvStore({ namespace: keys, prefix: 'a' })],
    ]
    for (const [one, other] of pairs) {
      const row = rowOf()
      await one.put(row, null)
      expect(await other.get(row.id)).toBeNull()
    }
  })
})

describe('D1', () => {
  test('rows in use move in no index: only what sweep files anew does', async () => {
    const db = await database()
    const store = d1Store({ database: db, table: 'due_test' })
    await store.migrate()
    const due = async (): Promise<unknown> => (await db.prepare('SELECT due FROM due_test').all()).results[0]
    const row = rowOf({ user: 'ann', expiresAt: 1_000 })
    const version = await store.put(row, null)
    await store.put({ ...row, expiresAt: 5_000 }, version)
    await store.touch?.(row.id, 9_000)
    expect(await due()).toEqual({ due: 1_000 })
    expect(await store.sweep?.(2_000, 10)).toBe(0)
    expect(await due()).toEqual({ due: 9_000 })
    expect(await store.sweep?.(9_001, 10)).toBe(1)
  })

  test('a write of a session in use is one row on the bill', async () => {
    const db = await database()
    const store = d1Store({ database: db, table: 'bill_test' })
    await store.migrate()
    const row = rowOf({ user: 'ann' })
    const version = await store.put(row, null)
    const written: number[] = []
    const counting = {
      prepare: (sql: string) => db.prepare(sql),
      async batch(statements: ReturnType<typeof db.prepare>[]) {
        const answers = await db.batch(statements)
        for (const { meta } of answers) written.push((meta as unknown as { rows_written: number }).rows_written)
        return answers
      },
    }
    await d1Store({ database: counting, table: 'bill_test' }).put({ ...row, body: '{"n":2}', expiresAt: row.expiresAt + 1 }, version)
    expect(written.reduce((sum, rows) => sum + rows, 0)).toBe(1)
  })

  test('sweep finds the expired among many that lived on, within its limit', async () => {
    const store = d1Store({ database: await database(), table: 'sweep_test' })
    await store.migrate()
    const rows = Array.from({ length: 60 }, () => rowOf({ expiresAt: 1_000 }))
    await Promise.all(rows.map((row) => store.put(row, null)))
    await Promise.all(rows.filter((_, n) => n % 10 !== 9).map(({ id }) => store.touch?.(id, 10_000)))
    expect(await store.sweep?.(2_000, 4)).toBe(4)
    expect(await store.sweep?.(2_000, 100)).toBe(2)
    expect(await store.sweep?.(2_000, 100)).toBe(0)
    expect(await store.sweep?.(10_001, 100)).toBe(54)
  })
})

describe('Durable Objects', () => {
  test('sessions of one user are in several objects, and found in all', async () => {
    const namespace = await objects()
    const store = durableObjectStore({ namespace, shards: 4, prefix: 'spread-' })
    const rows = Array.from({ length: 24 }, () => rowOf({ user: 'ann' }))
    await Promise.all(rows.map((row) => store.put(row, null)))
    expect((await store.idsOf?.('ann'))?.toSorted()).toEqual(rows.map(({ id }) => id).toSorted())
    const alone = durableObjectStore({ namespace, shards: 1, prefix: 'spread-' })
    const inTheFirst = await alone.idsOf?.('ann')
    expect(inTheFirst?.length).toBeGreaterThan(0)
    expect(inTheFirst?.length).toBeLessThan(24)
  })

  test('D-06 an alarm drops what has expired, and leaves what lives', async () => {
    const store = durableObjectStore({ namespace: await objects('HASTY'), shards: 1 })
    const live = rowOf({ user: 'ann' })
    const touched = rowOf({ expiresAt: Date.now() + 3_000 })
    for (const row of [live, touched]) await store.put(row, null)
    expect(await store.touch?.(touched.id, live.expiresAt)).toBe(true)
    const expired = rowOf({ user: 'ann', expiresAt: Date.now() - 1 })
    await store.put(expired, null)
    await expect.poll(() => store.get(expired.id), { timeout: 10_000 }).toBeNull()
    expect(await store.idsOf?.('ann')).toEqual([live.id])
    // Until an alarm has looked at the touched one too.
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, touched.expiresAt - Date.now()) + 500))
    expect(await store.get(touched.id)).toMatchObject({ expiresAt: live.expiresAt })
    const later = rowOf({ expiresAt: Date.now() - 1 })
    await store.put(later, null)
    await expect.poll(() => store.get(later.id), { timeout: 10_000 }).toBeNull()
  })
})

describe('KV', () => {
  test("P-05 F-19 somebody else's bytes under our key are no session", async () => {
    const namespace = await keysOf(workerd, 'KV')
    const store = kvStore({ namespace })
    const events: SessionEvent[] = []
    const onEvent = (event: SessionEvent): void => void events.push(event)
    const sessions = createSessions<Record<string, unknown>>({ secret, store, unsafeLastWriteWins: true, onEvent })
    const visitor = new Visitor(sessions)
    await visitor.visit((session) => session.set('n', 1))
    const [id = ''] = (await store.scan?.(null, 1_000))?.ids ?? []
    const other = rowOf()
    await store.put(other, null)
    const theirs = await namespace.get(`coatcheck:${other.id}`)
    for (const bytes of ['', 'junk', '{"cookie":{}}', '[]', 'null', '{"body":1,"user":null,"expiresAt":1,"version":"1"}', theirs ?? '']) {
      await namespace.put(`coatcheck:${id}`, bytes, { expirationTtl: 60 })
      const { result } = await visitor.clone().visit((session) => session.isNew)
      expect(result, bytes).toBe(true)
    }
    const reasons = events.flatMap((event) => (event.type === 'rejected' && event.why !== 'absent' ? [event.why] : []))
    expect(reasons).toEqual(Array.from({ length: 7 }, () => 'unreadable'))
  })

  test('L-05 the time to live is rounded up, and never under the 60 seconds that KV wants', async () => {
    const namespace = await keysOf(workerd, 'KV')
    const store = kvStore({ namespace, prefix: 'ttl:' })
    const now = Date.now()
    const times = [now - 1_000, now + 1, now + 90_000, now + 90_250, now + 90_500, now + 90_750, now + 400 * 86_400_000]
    for (const expiresAt of times) await store.put(rowOf({ expiresAt, body: String(expiresAt) }), null)
    const { keys } = await namespace.list({ prefix: 'ttl:', limit: 10 })
    for (const key of keys) {
      const { name, expiration = 0 } = key as { name: string; expiration?: number }
      const row = await store.get(name.slice(4))
      expect(expiration * 1_000).toBeGreaterThanOrEqual(Math.max(row?.expiresAt ?? 0, now + 59_000))
      expect(row?.expiresAt).toBe(Number(row?.body))
    }
    expect(keys).toHaveLength(times.length)
  })
})

test('F-21 text that UTF-8 cannot hold is refused, and is no other user', async () => {
  const db = d1Store({ database: await database(), table: 'odd_text' })
  await db.migrate()
  for (const store of [db, durableObjectStore({ namespace: await objects(), prefix: 'odd-text-' })]) {
    await store.put(rowOf({ user: '\ufffd' }), null)
    expect(await store.idsOf?.('\ud800')).toEqual([])
    for (const columns of [{ user: '\ud800' }, { body: 'a\udc00' }])
      await expect(store.put(rowOf(columns), null)).rejects.toMatchObject({ code: 'value_invalid' })
  }
})

test('K-08 everything is there after workerd has ended and started again', async () => {
  const open = async (): Promise<SessionStore[]> => [
    d1Store({ database: await database(), table: 'restart_test' }),
    durableObjectStore({ namespace: await objects(), shards: 2 }),
    kvStore({ namespace: await keysOf(workerd, 'KV') }),
  ]
  await d1Store({ database: await database(), table: 'restart_test' }).migrate()
  const row = rowOf({ user: 'ann' })
  const ended = rowOf({ user: 'ann' })
  const versions: (string | null)[] = []
  for (const store of await open()) {
    versions.push(await store.put(row, null))
    await store.put(ended, null)
    await store.delete(ended.id)
  }
  await workerd.dispose()
  workerd = await start()
  for (const [n, store] of (await open()).entries()) {
    expect(await store.get(row.id)).toEqual({ ...row, version: versions[n] })
    expect(await store.get(ended.id)).toBeNull()
    expect(await store.put(row, versions[n] ?? null)).not.toBe(versions[n])
  }
})
