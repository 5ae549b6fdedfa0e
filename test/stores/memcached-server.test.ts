/** memcached in states that a shared one must not be brought into: restarted, full, stopped, without compare-and-swap. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import type { Server } from '../../scripts/servers/launch.ts'
import { startMemcached } from '../../scripts/servers/memcached.ts'
import type { Row, SessionStore, StoredRow } from '../../src/index.ts'
import { memcachedStore, type MemcachedStoreOptions } from '../../src/stores/memcached.ts'
import { type FaultProxy, faultProxy, type TcpFault } from '../support/fault-proxy.ts'
import { describeWith } from '../support/server.ts'
import { msUntilAnswered, newId, row, say, statOf } from './memcached-tools.ts'

const away = { code: 'store_unavailable' }

function open(servers: string, options: Partial<MemcachedStoreOptions> = {}): SessionStore {
  const store = memcachedStore({ servers, ...options })
  onTestFinished(() => store.close?.())
  return store
}

async function start(settings: readonly string[] = []): Promise<Server> {
  const server = await startMemcached(settings)
  onTestFinished(() => server.stop())
  return server
}

async function create(store: SessionStore, columns: Partial<Row> = {}): Promise<StoredRow> {
  const one = row(columns)
  const version = await store.put(one, null)
  if (version === null) throw new Error('the place was taken')
  return { ...one, version }
}

describeWith(['memcached'], 'a memcached of its own:', () => {
  test('F-01 F-10 restarted: every session is gone, nothing fails for long, and no version comes back', async () => {
    const server = await start()
    const [store, other] = [open(server.url), open(server.url)]
    // The counter of the server starts at 1 again: the first rows of both lives have the same numbers.
    const before: StoredRow[] = []
    for (let n = 0; n < 5; n++) before.push(await create(store, { body: `"before ${n}"` }))
    await other.get(before[0]?.id ?? '')
    await server.restart()
    expect(await msUntilAnswered(store, newId())).toBeLessThan(1_000)
    for (const { id } of before) expect(await store.get(id)).toBeNull()
    for (const one of before) expect(await store.put({ ...one, body: '"revived"' }, one.version)).toBeNull()
    const after: StoredRow[] = []
    for (const { id } of before) after.push(await create(store, { id, body: '"after"' }))
    const numbers = (rows: readonly StoredRow[]): (string | undefined)[] => rows.map(({ version }) => version.split('.')[1])
    expect(numbers(after)).toEqual(numbers(before))
    for (const [n, one] of before.entries()) {
      for (const handle of [store, other])
        expect(await handle.put({ ...one, body: '"from the dead"' }, one.version).catch(() => null)).toBeNull()
      expect(await store.get(one.id)).toEqual(after[n])
    }
  })

  test('F-01 not there at start: store_unavailable, and soon well once it is', async () => {
    const server = await start()
    await server.kill('SIGKILL')
    const store = open(server.url)
    await expect(store.ready?.()).rejects.toMatchObject({ ...away, message: expect.stringMatching(/127\.0\.0\.1:\d+: .*ECONNREFUSED/) })
    await expect(store.get(newId())).rejects.toMatchObject(away)
    const attempts = Array.from({ length: 2_000 }, () => store.get(newId()).catch(() => null))
    await Promise.all(attempts)
    await server.restart()
    expect(await msUntilAnswered(store, newId())).toBeLessThan(1_000)
    await store.ready?.()
    await create(store)
  })

  test('F-04 F-05 stopped (SIGSTOP): every call ends by its deadline, and soon after it goes on all is well', async () => {
    const server = await start()
    const store = open(server.url, { timeoutMs: 300 })
    const one = await create(store)
    await server.kill('SIGSTOP')
    await sleep(50)
    const began = performance.now()
    const calls = [store.get(one.id), store.put({ ...one, body: '"late"' }, one.version), create(store), store.delete(newId())]
    for (const { status, reason } of (await Promise.allSettled(calls)) as PromiseRejectedResult[]) {
      expect(status).toBe('rejected')
      expect(reason).toMatchObject(away)
    }
    expect(performance.now() - began).toBeLessThan(1_000)
    await expect(store.get(one.id)).rejects.toMatchObject({ ...away, message: expect.stringContaining('300 ms') })
    await server.kill('SIGCONT')
    expect(await msUntilAnswered(store, one.id)).toBeLessThan(1_000)
    // Whether the write that nobody was told of was done is open; that there is one row, and it is whole, is not.
    const found = await store.get(one.id)
    expect([one.body, '"late"']).toContain(found?.body)
    expect(await store.put({ ...one, body: '"next"' }, found?.version ?? '')).not.toBeNull()
  })

  test('F-10 full and evicting: the oldest sessions are gone, the others whole, nothing fails', async () => {
    const server = await start(['-m', '2'])
    const store = open(server.url)
    const rows: StoredRow[] = []
    for (let n = 0; n < 3_000; n++) rows.push(await create(store, { body: `${n} ${'x'.repeat(2_000)}` }))
    expect(Number(await statOf(server.url, 'evictions'))).toBeGreaterThan(100)
    const found = await Promise.all(rows.map(({ id }) => store.get(id)))
    expect(found.filter((one) => one === null).length).toBeGreaterThan(100)
    expect(found.at(-1)).toEqual(rows.at(-1))
    for (const [n, one] of found.entries()) if (one !== null) expect(one).toEqual(rows[n])
    const evicted = rows[found.indexOf(null)]
    expect(await store.put({ ...(evicted as StoredRow), body: 'revived' }, evicted?.version ?? '')).toBeNull()
    // Even the key that names the life of the memory may go; the versions given out still hold.
    await say(server.url, 'md coatcheck:~life\r\n')
    const last = rows.at(-1) as StoredRow
    expect(await store.put({ ...last, body: 'next' }, last.version)).not.toBeNull()
    const other = open(server.url)
    expect(await other.get(last.id)).toMatchObject({ body: 'next' })
  })

  test('F-10 full and not evicting (-M): store_unavailable says so, reads and deletes go on, room helps', async () => {
    const server = await start(['-m', '2', '-M'])
    const store = open(server.url)
    const rows: StoredRow[] = []
    const fill = async (): Promise<never> => {
      for (;;) rows.push(await create(store, { body: 'x'.repeat(4_000) }))
    }
    await expect(fill()).rejects.toMatchObject({ ...away, message: expect.stringMatching(/out of memory.*-m/) })
    const connections = await statOf(server.url, 'total_connections')
    expect(await store.get(rows[0]?.id ?? '')).toEqual(rows[0])
    for (const { id } of rows.slice(0, 50)) await store.delete(id)
    await create(store, { body: 'x'.repeat(4_000) })
    expect(await open(server.url).get(rows.at(-1)?.id ?? '')).toEqual(rows.at(-1))
    expect(Number(await statOf(server.url, 'total_connections')) - Number(connections)).toBe(2)
  })

  test('F-10 a server that takes smaller items than it was said to', async () => {
    const server = await start(['-I', '512k'])
    const store = open(server.url)
    const one = await create(store)
    await expect(store.ready?.()).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('itemBytesMax: 524288'),
    })
    await expect(store.put({ ...one, body: 'x'.repeat(600_000) }, one.version)).rejects.toMatchObject({ code: 'session_too_large' })
    // Why ready looks: memcached has dropped the row that was to be replaced.
    expect(await store.get(one.id)).toBeNull()
    await open(server.url, { itemBytesMax: 524_288 }).ready?.()
  })

  test('R-01 a server that was told to do without compare-and-swap (-C) is refused, before it loses an update', async () => {
    const server = await start(['-C'])
    const store = open(server.url)
    await expect(store.ready?.()).rejects.toMatchObject({ code: 'config_invalid', message: expect.stringContaining('-C') })
    for (const call of [store.get(newId()), store.put(row(), null)]) await expect(call).rejects.toMatchObject(away)
    expect(await statOf(server.url, 'curr_items')).toBe('1')
  })

  test('F-21 F-22 an id that is no key is not there, cannot be put, and nothing of it is sent', async () => {
    const server = await start()
    const store = open(server.url)
    const kept = await create(store)
    const odd = ['', 'a b', 'a\r\nflush_all', 'a\nb', 'a\0b', 'é', '~life', '../x', '{"$gt":""}', 'x'.repeat(251), 'x'.repeat(300), '🎟️']
    const sent = async (): Promise<number> => Number(await statOf(server.url, 'bytes_read'))
    const [first, second] = [await sent(), await sent()]
    for (const id of odd) {
      expect(await store.get(id)).toBeNull()
      await expect(store.put(row({ id }), null)).rejects.toMatchObject({ code: 'value_invalid' })
      await expect(store.put(row({ id }), kept.version)).rejects.toMatchObject({ code: 'value_invalid' })
      await store.delete(id)
    }
    expect(await store.getMany?.([...odd, kept.id])).toEqual([...odd.map(() => null), kept])
    await store.delete(kept.id)
    const own = `mg coatcheck:${kept.id} v c O0\r\nmd coatcheck:${kept.id} O0\r\n`.length
    expect((await sent()) - second - (second - first)).toBe(own)
  })

  test('more connections than the server allows', async () => {
    const server = await start(['-c', '40', '-t', '1'])
    const stores = Array.from({ length: 60 }, () => open(server.url))
    const answers = await Promise.allSettled(stores.map((store) => store.get(newId())))
    const refused = answers.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
    expect(refused.length).toBeGreaterThan(0)
    for (const { reason } of refused) expect(reason).toMatchObject(away)
    await Promise.all(stores.map((store) => store.close?.()))
    expect(await msUntilAnswered(open(server.url), newId())).toBeLessThan(1_000)
  })

  test('F-06 F-08 a thousand reads on bad connections: nobody is ever given somebody else’s row', async () => {
    const server = await start()
    const proxy = await faultProxy(server.port)
    onTestFinished(() => proxy.close())
    const direct = open(server.url)
    const rows: StoredRow[] = []
    for (let n = 0; n < 100; n++) rows.push(await create(direct, { user: `user ${n}`, body: `canary ${n} ${'x'.repeat(n * 40)}` }))
    const store = open(`127.0.0.1:${proxy.port}`, { timeoutMs: 25 })
    const counts = { answered: 0, failed: 0 }
    const read = async (n: number): Promise<void> => {
      const wanted = rows[n % rows.length] as StoredRow
      const found = await Promise.race([store.get(wanted.id), sleep(n % 7 === 0 ? 2 : 1_000)]).catch((error: unknown) => {
        expect(error).toMatchObject(away)
        counts.failed++
      })
      if (found === undefined) return
      counts.answered++
      expect(found).toEqual(wanted)
    }
    for (let round = 0; round < 50; round++) {
      proxy.set(null)
      await msUntilAnswered(store, newId())
      const reads = Array.from({ length: 20 }, (_, n) => read(round * 20 + n))
      if (round % 2 === 0) await sleep(1)
      upset(proxy, round)
      await Promise.all(reads)
    }
    proxy.set(null)
    expect(await msUntilAnswered(store, rows[0]?.id ?? '')).toBeLessThan(1_000)
    expect(await store.getMany?.(rows.map(({ id }) => id))).toEqual(rows)
    expect(counts.answered).toBeGreaterThan(200)
    expect(counts.failed).toBeGreaterThan(200)
  })
})

/** A bad day, a little different every round. */
function upset(proxy: FaultProxy, round: number): void {
  const bad: readonly (TcpFault | null)[] = [
    null,
    { kind: 'slice' },
    { kind: 'latency', ms: 24 },
    { kind: 'cut', bytes: round * 13 },
    null,
    { kind: 'stall', bytes: round * 17 },
    { kind: 'lose-reply' },
    { kind: 'latency', ms: 30 },
  ]
  proxy.set(bad[round % bad.length] ?? null)
}
