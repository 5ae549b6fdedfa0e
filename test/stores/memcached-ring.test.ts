/** Several memcached servers that share the keys. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished, test } from 'vitest'
import type { Server } from '../../scripts/servers/launch.ts'
import { startMemcached } from '../../scripts/servers/memcached.ts'
import type { Row, SessionStore } from '../../src/index.ts'
import { Ring } from '../../src/stores/memcached/ring.ts'
import { memcachedStore } from '../../src/stores/memcached.ts'
import { storeContract } from '../../src/testing/store-contract.ts'
import { describeWith } from '../support/server.ts'
import { row, statOf } from './memcached-tools.ts'
import { memcached } from './profiles/memcached.ts'

describe('the ring', () => {
  const named = (names: readonly string[]): { name: string }[] => names.map((name) => ({ name }))
  const five = ['a:11211', 'b:11211', 'c:11211', '10.0.0.4:11211', '[::1]:11211']
  const keys = Array.from({ length: 20_000 }, (_, n) => `coatcheck:${n}`)
  const places = (names: readonly string[]): string[] => {
    const ring = new Ring(named(names))
    return keys.map((key) => ring.of(key).name)
  }

  test('gives every server about its share', () => {
    const counts = Map.groupBy(places(five), (name) => name)
    expect(counts.size).toBe(5)
    for (const [, mine] of counts) expect(mine.length / keys.length).toBeCloseTo(0.2, 1)
  })

  test('does not ask in which order the servers are written', () => {
    expect(places(five.toReversed())).toEqual(places(five))
  })

  test('F-10 without one server moves the keys of that server and no others', () => {
    const before = places(five)
    const after = places(five.filter((name) => name !== 'c:11211'))
    for (const [n, name] of before.entries()) if (name !== 'c:11211') expect(after[n]).toBe(name)
    expect(after).not.toContain('c:11211')
  })

  test('stands where it stood in every release: a move would lose sessions', () => {
    const ring = new Ring(named(five))
    expect(keys.slice(0, 12).map((key) => ring.of(key).name)).toMatchInlineSnapshot(`
      [
        "c:11211",
        "10.0.0.4:11211",
        "a:11211",
        "c:11211",
        "a:11211",
        "10.0.0.4:11211",
        "c:11211",
        "b:11211",
        "c:11211",
        "10.0.0.4:11211",
        "10.0.0.4:11211",
        "c:11211",
      ]
    `)
  })
})

describeWith(['memcached'], 'three memcached servers:', () => {
  let servers: Server[] = []
  beforeAll(async () => void (servers = await Promise.all([1, 2, 3].map(() => startMemcached()))))
  afterAll(() => Promise.all(servers.map((server) => server.stop())))

  const lacks = [...(memcached.lacks ?? []), { rule: 'getMany', reason: 'one server that is away would fail the sessions of the others' }]
  storeContract(
    {
      name: 'memcached, three servers',
      async open() {
        const build = (): SessionStore => memcachedStore({ servers: servers.map(({ url }) => url) })
        let first = build()
        const second = build()
        return {
          store: first,
          second,
          async reopen() {
            await first.close?.()
            return (first = build())
          },
          async close() {
            await Promise.all([first.close?.(), second.close?.()])
          },
        }
      },
      lacks,
      rowBytesMax: 1_048_576,
    },
    { describe, it },
  )

  function open(): SessionStore {
    const store = memcachedStore({ servers: servers.map(({ url }) => url), timeoutMs: 500 })
    onTestFinished(() => store.close?.())
    return store
  }

  test('F-02 F-10 one is away: its sessions are, the others go on, none is made elsewhere, and what comes back is the newest', async () => {
    const store = open()
    const rows = Array.from({ length: 60 }, (_, n) => row({ body: `"${n}"` }))
    const versions = await Promise.all(rows.map((one) => store.put(one, null)))
    const gone = servers[1] as Server
    expect(Number(await statOf(gone.url, 'curr_items'))).toBeGreaterThan(1)
    await gone.kill('SIGSTOP')
    await store.get(rows[0]?.id ?? '').catch(() => null)
    const answers = await Promise.allSettled(rows.map(({ id }) => store.get(id)))
    const away = answers.flatMap(({ status }, n) => (status === 'rejected' ? [n] : []))
    expect(away.length).toBeGreaterThan(0)
    expect(away.length).toBeLessThan(rows.length)
    for (const [n, answer] of answers.entries()) if (answer.status === 'fulfilled') expect(answer.value).toMatchObject(rows[n] as Row)
    for (const n of away) {
      await expect(store.put(rows[n] as Row, versions[n] ?? '')).rejects.toMatchObject({
        code: 'store_unavailable',
        message: expect.stringContaining(new URL(gone.url).host),
      })
    }
    await expect(store.ready?.()).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringContaining(new URL(gone.url).host),
    })
    await gone.kill('SIGCONT')
    await new Promise((resolve) => setTimeout(resolve, 900))
    for (const n of away) expect(await store.get(rows[n]?.id ?? '')).toMatchObject({ id: rows[n]?.id, body: rows[n]?.body })
  })

  test('another process with the list in another order finds the same rows', async () => {
    const [store, other] = [open(), memcachedStore({ servers: servers.map(({ url }) => url).toReversed() })]
    onTestFinished(() => other.close?.())
    for (let n = 0; n < 30; n++) {
      const one = row()
      const version = await store.put(one, null)
      expect(await other.get(one.id)).toEqual({ ...one, version })
    }
  })
})
