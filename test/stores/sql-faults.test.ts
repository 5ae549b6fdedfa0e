/** What a server that restarts, fills up or turns read-only does to a store that is in use. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Server } from '../../scripts/servers/launch.ts'
import { type FaultProxy, faultProxy } from '../support/fault-proxy.ts'
import { describeWith } from '../support/server.ts'
import { failureOf, kinds, newRow, onDatabase, type SqlDatabase, type SqlKind } from './sql-kinds.ts'
import { Writers } from './sql-writers.ts'

for (const kind of kinds) describeWith([kind.name], `${kind.name} breaks`, () => breaks(kind))

const limits = { postgres: ['max_connections=12'], mysql: ['--max-connections=10', '--innodb-lock-wait-timeout=1'] }

function breaks(kind: SqlKind): void {
  let server: Server
  const opened: SqlDatabase[] = []
  const open = (connections = 4): SqlDatabase => {
    const place = kind.open(server.url, { connections })
    opened.push(place)
    return place
  }
  beforeAll(async () => {
    server = await kind.start(...limits[kind.name])
    await open().store.migrate()
  })
  beforeEach(() => Promise.all(opened.splice(0).map((place) => place.close())))
  afterAll(async () => {
    await Promise.all(opened.splice(0).map((place) => place.close()))
    await server.stop()
  })

  test('F-11 killed under load (kill -9): no acknowledged write is lost, every error has a code, and it serves again by itself', async () => {
    const { store } = open(8)
    for (let round = 0; round < 3; round++) {
      const writers = new Writers(store, 16)
      await sleep(300)
      await server.restart()
      const back = performance.now()
      while ((await store.get('any').catch(() => 'down')) === 'down') await sleep(10)
      const backMs = performance.now() - back
      await sleep(200)
      await writers.stop()
      expect(writers.strangers).toEqual([])
      expect(Object.keys(writers.codes)).toEqual(['store_unavailable'])
      expect(writers.acknowledged).toBeGreaterThan(50)
      expect(await writers.losses()).toEqual([])
      expect(backMs).toBeLessThan(1_000)
    }
  }, 120_000)

  test('F-11 killed in the middle of a write: the write rejects, and did not happen', async () => {
    const { store } = open()
    const row = newRow()
    const version = await store.put(row, null)
    const other = open(1)
    await other.query('BEGIN')
    await other.query(kind.lockRow(row.id))
    const waiting = failureOf(store.put({ ...row, body: '"late"' }, version))
    await sleep(200)
    await server.restart()
    expect(await waiting).toMatchObject({ code: 'store_unavailable' })
    expect(await store.get(row.id)).toEqual({ ...row, version })
    expect(await store.put({ ...row, body: '"new"' }, version)).not.toBeNull()
  })

  test('F-01 F-02 away: every call rejects at once and says so', async () => {
    const { store } = open()
    await store.get('any')
    await server.kill('SIGKILL')
    const calls = [
      () => store.get('a'),
      () => store.put(newRow(), null),
      () => store.delete('a'),
      () => store.ready?.(),
      () => store.migrate(),
    ]
    for (const call of calls) {
      // The first may find a connection that ends under it.
      await Promise.resolve(call()).catch(() => null)
      expect(await failureOf(Promise.resolve(call()))).toMatchObject({
        code: 'store_unavailable',
        message: expect.stringContaining('nothing listens there'),
      })
    }
    await server.restart()
    await store.ready?.()
  })

  test('F-11 no more connections: rejects and says what to raise, and serves when there is one again', async () => {
    const hogs: SqlDatabase[] = []
    for (let full = false; !full;) {
      const hog = open(1)
      full = await hog.query('SELECT 1').then(
        () => false,
        () => true,
      )
      if (!full) hogs.push(hog)
    }
    const { store } = open()
    expect(await failureOf(store.get('a'))).toMatchObject({
      code: 'store_unavailable',
      message: expect.stringMatching(/raise max_connections of the server/),
    })
    await Promise.all(hogs.splice(0, 2).map((hog) => hog.close()))
    await expect.poll(() => store.get('a').catch(() => 'full')).toBeNull()
  })

  test('F-04 a pool with nothing free rejects in time, and leaves no write behind for later', async () => {
    const place = open(1)
    const row = newRow()
    const hold = place.query(kind.name === 'postgres' ? 'SELECT pg_sleep(3.5)' : 'SELECT sleep(3.5)')
    expect(await failureOf(place.store.put(row, null))).toMatchObject({
      code: 'store_unavailable',
      message: expect.stringMatching(/all connections of the [Pp]ool are in use/),
    })
    await hold
    await sleep(100)
    expect(await place.store.get(row.id)).toBeNull()
  })

  test('F-11 a row that somebody holds too long: the write rejects in time, and reads do not wait', async () => {
    const { store } = open()
    const row = newRow()
    const version = await store.put(row, null)
    const other = open(1)
    await other.query('BEGIN')
    await other.query(kind.lockRow(row.id))
    const began = performance.now()
    expect(await failureOf(store.put({ ...row, body: '"late"' }, version))).toMatchObject({ code: 'store_unavailable' })
    expect(performance.now() - began).toBeLessThan(4_000)
    expect(await store.get(row.id)).toEqual({ ...row, version })
    await other.query('COMMIT')
  })
}

for (const kind of kinds) describeWith([kind.name], `${kind.name} falls silent`, () => fallsSilent(kind))

function fallsSilent(kind: SqlKind): void {
  /** With a store behind a proxy, whose connections are given up after 250 ms. */
  const behindProxy = (connections: number, run: (store: SqlDatabase['store'], proxy: FaultProxy) => Promise<void>): Promise<void> =>
    onDatabase(kind, async (url, keep) => {
      await keep(kind.open(url)).store.migrate()
      const { port } = new URL(url)
      const proxy = await faultProxy(Number(port))
      const { store } = keep(kind.open(url.replace(`:${port}`, `:${proxy.port}`), { connections, silenceMs: 250 }))
      keep({ close: () => proxy.close() })
      await run(store, proxy)
    })

  test('F-05 a half-open connection is replaced, also where it is the only one', () =>
    behindProxy(1, async (store, proxy) => {
      expect(await store.get('a')).toBeNull()
      proxy.set({ kind: 'blackhole' })
      expect(await failureOf(store.get('a'))).toMatchObject({ code: 'store_unavailable', message: expect.stringContaining('in time') })
      proxy.set(null)
      expect(await store.get('a')).toBeNull()
    }))

  test('F-08 an answer that comes after its caller gave up is nobody else’s', () =>
    behindProxy(2, async (store, proxy) => {
      const rows = Array.from({ length: 6 }, (_, n) => newRow({ body: `"canary ${n}"` }))
      for (const row of rows) await store.put(row, null)
      let late = 0
      for (let round = 0; round < 8; round++) {
        proxy.set(round % 2 === 0 ? { kind: 'latency', ms: 400 } : null)
        const answers = await Promise.allSettled(rows.map(({ id }) => store.get(id)))
        for (const [n, answer] of answers.entries()) {
          if (answer.status === 'rejected') late++
          else expect(answer.value?.body).toBe(rows[n]?.body)
        }
      }
      expect(late).toBeGreaterThan(10)
      proxy.set(null)
      await expect.poll(() => store.get(rows[5]?.id ?? '').then((row) => row?.body, String)).toBe(rows[5]?.body)
    }))
}

describe('what was told', () => {
  test('is compared with what is there', async () => {
    const rows = new Map<string, { body: string }>()
    const lossy = {
      get: async (id: string) => rows.get(id) ?? null,
      put: async (row: { id: string; body: string }) => (Math.random() < 0.5 ? 'forgotten' : (rows.set(row.id, row), 'kept')),
      delete: async () => sleep(1),
    }
    const writers = new Writers(lossy as never, 4)
    await sleep(50)
    await writers.stop()
    expect((await writers.losses()).length).toBeGreaterThan(0)
  })
})
