/** How the store uses its connections. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startMemcached } from '../../scripts/servers/memcached.ts'
import type { SessionStore } from '../../src/index.ts'
import { memcachedStore, type MemcachedStoreOptions } from '../../src/stores/memcached.ts'
import { faultProxy } from '../support/fault-proxy.ts'
import { describeWith } from '../support/server.ts'
import { newId, row, statOf } from './memcached-tools.ts'

function open(servers: string, options: Partial<MemcachedStoreOptions> = {}): SessionStore {
  const store = memcachedStore({ servers, ...options })
  onTestFinished(() => store.close?.())
  return store
}

/** Reads many at once, again and again, until it is enough: opening a connection takes its time. */
async function crowd(store: SessionStore, enough: () => Promise<boolean>): Promise<void> {
  for (let round = 0; round < 50 && !(await enough()); round++) await Promise.all(Array.from({ length: 500 }, () => store.get(newId())))
}

async function listen(serve: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => socket.destroy()))
    serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

describeWith(['memcached'], 'connections to memcached:', () => {
  async function started(): Promise<{ url: string; port: number }> {
    const server = await startMemcached()
    onTestFinished(() => server.stop())
    return server
  }
  const connections = async (url: string): Promise<number> => Number(await statOf(url, 'curr_connections'))

  test('none before the first call, one while one is enough, never more than connectionsMax', async () => {
    const { url } = await started()
    // Those that saw the server start have to be gone first.
    await sleep(200)
    const before = await connections(url)
    const store = open(url, { connectionsMax: 3 })
    await sleep(20)
    expect(await connections(url)).toBe(before)
    for (let n = 0; n < 20; n++) await store.get(newId())
    await expect.poll(() => connections(url)).toBe(before + 1)
    await crowd(store, async () => (await connections(url)) >= before + 3)
    await crowd(store, async () => false)
    await expect.poll(() => connections(url)).toBe(before + 3)
    await store.close?.()
    await expect.poll(() => connections(url)).toBe(before)
  })

  test('what is asked in one turn leaves in one write', async () => {
    const { port } = await started()
    let writes = 0
    const proxy = await listen((client) => {
      const server = connect(port, '127.0.0.1')
      client.on('data', (bytes) => (writes++, server.write(bytes)))
      server.on('data', (bytes) => client.write(bytes))
      client.on('close', () => server.destroy())
    })
    const store = open(proxy)
    const rows = Array.from({ length: 50 }, () => row())
    await Promise.all(rows.map((one) => store.put(one, null)))
    writes = 0
    expect((await store.getMany?.(rows.map(({ id }) => id)))?.map((one) => one?.id)).toEqual(rows.map(({ id }) => id))
    expect(writes).toBe(1)
    await Promise.all(rows.map(({ id }) => store.get(id)))
    expect(writes).toBeLessThanOrEqual(3)
  })

  test('F-05 one that went silent is replaced, and so are its siblings', async () => {
    const { port } = await started()
    const proxy = await faultProxy(port)
    onTestFinished(() => proxy.close())
    const store = open(`127.0.0.1:${proxy.port}`, { connectionsMax: 4, timeoutMs: 1_000 })
    const one = row()
    await store.put(one, null)
    await crowd(store, async () => proxy.connections === 4)
    expect(proxy.connections).toBe(4)
    // The proxy has accepted the last one, and the store may not have opened it yet.
    await sleep(500)
    proxy.set({ kind: 'blackhole' })
    await expect(store.get(one.id)).rejects.toMatchObject({ code: 'store_unavailable' })
    proxy.set(null)
    // Not four deadlines, one for each connection: one was enough.
    expect(await store.get(one.id)).toMatchObject(one)
    await sleep(1_050)
    expect(proxy.connections).toBeLessThanOrEqual(2)
  })

  test('F-10 a connection that still sees another memory is given nothing more to do', async () => {
    const [first, second] = [await started(), await started()]
    let target = first.port
    const proxy = await listen((client) => {
      const server = connect(target, '127.0.0.1')
      for (const [from, to] of [
        [client, server],
        [server, client],
      ] as const)
        from.on('data', (bytes) => to.write(bytes)).on('close', () => to.destroy())
    })
    const store = open(proxy)
    const one = row()
    const version = await store.put(one, null)
    target = second.port
    // A crowd, so that a second connection is opened.
    await crowd(store, async () => (await store.get(one.id)) === null)
    for (let n = 0; n < 20; n++) expect(await store.get(one.id)).toBeNull()
    expect(await store.put({ ...one, body: '"revived"' }, version)).toBeNull()
    const made = await store.put({ ...one, body: '"anew"' }, null)
    expect(await open(second.url).get(one.id)).toEqual({ ...one, body: '"anew"', version: made })
  })

  test('a pause of this process is not held against the server', async () => {
    const { url } = await started()
    const store = open(url, { timeoutMs: 100 })
    const one = row()
    await store.put(one, null)
    const reading = store.get(one.id)
    await new Promise((resolve) => setImmediate(resolve))
    const until = performance.now() + 300
    while (performance.now() < until);
    expect(await reading).toMatchObject(one)
  })

  test('close waits for what is under way, may be called again, and then everything is store_unavailable', async () => {
    const { url } = await started()
    const store = open(url)
    const rows = Array.from({ length: 50 }, () => row({ body: 'x'.repeat(50_000) }))
    const puts = rows.map((one) => store.put(one, null))
    await Promise.all([store.close?.(), store.close?.()])
    for (const version of await Promise.all(puts)) expect(version).not.toBeNull()
    for (const call of [store.get(newId()), store.put(row(), null), store.delete(newId()), store.getMany?.([newId()])]) {
      await expect(call).rejects.toMatchObject({ code: 'store_unavailable', message: expect.stringContaining('closed') })
    }
    const again = open(url)
    expect(await again.getMany?.(rows.map(({ id }) => id))).not.toContain(null)
  })

  test('close while the server is away', async () => {
    const store = open('127.0.0.1:1')
    const reading = expect(store.get(newId())).rejects.toMatchObject({ code: 'store_unavailable' })
    await store.close?.()
    await reading
  })
})

describe('another program at the other end', () => {
  const says = (answer: (line: string) => string) => (socket: Socket) =>
    socket.on('data', (bytes) => {
      for (const line of bytes
        .toString('latin1')
        .split('\r\n')
        .filter((one) => one !== ''))
        socket.write(answer(line))
    })

  test('a memcached before 1.6 is config_invalid', async () => {
    const store = open(await listen(says(() => 'ERROR\r\n')))
    await expect(store.ready?.()).rejects.toMatchObject({ code: 'config_invalid', message: expect.stringContaining('1.6.10') })
    await expect(store.get(newId())).rejects.toMatchObject({ code: 'store_unavailable' })
  })

  test('R-01 a server that only resembles memcached and ignores compare-and-swap is config_invalid', async () => {
    const lives = new Map<string, string>()
    let last = ''
    const store = open(
      await listen(
        says((line) => {
          const [command = '', key = ''] = line.split(' ')
          const tag = / (O\w+)/.exec(line)?.[1] ?? ''
          if (command === 'mg') return `VA 16 c9 ${tag}\r\n${lives.get(key)}\r\n`
          if (command === 'ms') return ((last = key), `HD c9 ${tag}\r\n`)
          if (command === 'stats') return 'END\r\n'
          lives.set(last, line)
          return ''
        }),
      ),
    )
    await expect(store.ready?.()).rejects.toMatchObject({ code: 'config_invalid', message: expect.stringContaining('compare-and-swap') })
  })

  test('F-04 one that hangs up is not called again and again', async () => {
    let calls = 0
    const store = open(await listen((socket) => (calls++, void socket.destroy())))
    const until = performance.now() + 500
    while (performance.now() < until) {
      await expect(store.get(newId())).rejects.toMatchObject({ code: 'store_unavailable' })
      await sleep(1)
    }
    expect(calls).toBeGreaterThan(2)
    expect(calls).toBeLessThan(8)
  })

  test.each([
    ['says nothing', () => undefined],
    ['hangs up', (socket: Socket) => void socket.end()],
    ['speaks HTTP', (socket: Socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['never stops', (socket: Socket) => void socket.write('x'.repeat(100_000))],
  ])('one that %s is store_unavailable within the deadline', async (_what, serve) => {
    const store = open(await listen(serve), { timeoutMs: 300 })
    const began = performance.now()
    await expect(store.get(newId())).rejects.toMatchObject({ code: 'store_unavailable' })
    await expect(store.ready?.()).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(performance.now() - began).toBeLessThan(1_500)
  })

  test('F-18 a name that is none', async () => {
    const store = open('no-such-host.invalid', { timeoutMs: 2_000 })
    await expect(store.get(newId())).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringContaining('no-such-host.invalid'),
    })
  })
})
