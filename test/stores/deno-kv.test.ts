import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../../scripts/run.ts'
import { deno, denoRun } from '../../scripts/servers/deno.ts'
import type { Server } from '../../scripts/servers/launch.ts'
import { root } from '../../scripts/source.ts'
import { createSessions, type Row, type SessionEvent } from '../../src/index.ts'
import { denoKvStore } from '../../src/stores/deno-kv.ts'
import { secret } from '../support/backends.ts'
import { full } from '../support/full.ts'
import { Visitor } from '../support/visitor.ts'
import { remoteStore, type RemoteStore } from './hosts/remote.ts'
import { denoKv } from './profiles/deno-kv.ts'
import { storeSuite } from './suite.ts'

const folder = mkdtempSync(join(tmpdir(), 'coatcheck-deno-kv-'))
const file = join(folder, 'sessions.kv')

afterAll(() => rmSync(folder, { recursive: true }))

interface Ended {
  readonly name: string
  readonly error: string | null
}

async function contractInDeno(): Promise<Ended[]> {
  const program = join(root, 'test/stores/deno/contract.ts')
  const { code, stdout, output } = await run('deno', [...denoRun, program, file], { timeoutMs: 120_000 })
  if (code !== 0) throw new Error(output)
  return JSON.parse(stdout) as Ended[]
}

// One after the other, on the same file: the second finds what the first has left.
for (const time of full ? ['once', 'and again'] : ['once']) {
  const ended = await contractInDeno()
  describe(`deno-kv, in Deno, ${time}`, () => {
    test('every case ran', () => expect(ended.length).toBeGreaterThan(40))
    test.each(ended.map(({ name, error }) => [name, error] as const))('%s', (_name, error) => expect(error).toBeNull())
  })
}

// And from outside Deno.
storeSuite(denoKv)

test('S1.1 R-01 a site in Deno counts its visits, 20 of them at once', async () => {
  const { code, stdout, output } = await run('deno', [...denoRun, join(root, 'test/stores/deno/visits.ts'), file])
  expect(code, output).toBe(0)
  expect(stdout).toBe('22')
})

describe('denoKvStore', () => {
  let server: Server
  let host: RemoteStore

  beforeAll(async () => {
    server = await deno.start()
    host = await remoteStore(server.url, 'deno-kv')
  })

  afterAll(() => server.stop())

  function rowOf(columns: Partial<Row> = {}): Row {
    const id = Buffer.from(crypto.getRandomValues(new Uint8Array(18))).toString('base64url')
    return { id, body: '{}', user: null, expiresAt: Date.now() + 3_600_000, ...columns }
  }

  test('options', () => {
    expect(() => denoKvStore({ kv: undefined as never })).toThrow('Deno.openKv()')
    const kv = { atomic: () => null } as never
    for (const prefix of ['', 'a b', 'x'.repeat(65), 'ä']) expect(() => denoKvStore({ kv, prefix })).toThrow('prefix')
    expect(() => denoKvStore({ kv, prefx: 'a' } as never)).toThrow('no option prefx')
  })

  test('the largest body there is room for comes back, one byte more is refused', async () => {
    for (const user of [null, 'ann', 'Ä'.repeat(100), '李'.repeat(512)]) {
      const room = 65_536 - 128 - 2 * (user?.length ?? 0)
      const row = rowOf({ user, body: 'x'.repeat(room) })
      const version = await host.store.put(row, null)
      expect(await host.store.get(row.id)).toEqual({ ...row, version })
      await expect(host.store.put({ ...row, body: `${row.body}x` }, version)).rejects.toMatchObject({ code: 'session_too_large' })
    }
    const wide = rowOf({ body: `${'x'.repeat(60_000)}李` })
    await host.store.put(wide, null)
    expect(await host.store.get(wide.id)).toMatchObject(wide)
  })

  test("P-05 somebody else's values under our key are no session", async () => {
    const events: SessionEvent[] = []
    const sessions = createSessions<Record<string, unknown>>({ secret, store: host.store, onEvent: (event) => void events.push(event) })
    const visitor = new Visitor(sessions)
    const { result: id } = await visitor.visit((session) => session.set('n', 1).id)
    const strange = [1, 'text', null, [], { body: '{}', user: null, expiresAt: 1 }, { body: {}, user: 7, expiresAt: 1 }]
    for (const value of strange) {
      await host.call('intrude', id, value)
      const { result } = await visitor.clone().visit((session) => session.isNew)
      expect(result, JSON.stringify(value)).toBe(true)
    }
    const reasons = events.flatMap((event) => (event.type === 'rejected' && event.why !== 'absent' ? [event.why] : []))
    expect(reasons).toEqual(strange.map(() => 'unreadable'))
  })

  test('a version that is none of Deno KV is a lost race', async () => {
    const row = rowOf()
    await host.store.put(row, null)
    expect(await host.store.put(row, 'no-versionstamp')).toBeNull()
  })

  test('idsOf finds more sessions than one call reads', async () => {
    const rows = Array.from({ length: 35 }, () => rowOf({ user: 'many' }))
    for (const row of rows) await host.store.put(row, null)
    expect((await host.store.idsOf?.('many'))?.toSorted()).toEqual(rows.map(({ id }) => id).toSorted())
  })

  test('R-11 processes on one file wait for each other', async () => {
    const program = join(root, 'test/stores/deno/visits.ts')
    const all = await Promise.all([1, 2, 3].map(() => run('deno', [...denoRun, program, file])))
    expect(all.map(({ output }) => output)).toEqual(['22', '22', '22'])
  })

  test('K-08 what was acknowledged is there after a kill', async () => {
    const row = rowOf({ user: 'killed' })
    const ended = rowOf({ user: 'killed' })
    const version = await host.store.put(row, null)
    await host.store.put(ended, null)
    await host.store.delete(ended.id)
    await server.restart()
    expect(await host.store.get(row.id)).toEqual({ ...row, version })
    expect(await host.store.idsOf?.('killed')).toEqual([row.id])
  })

  test('F-02 a database that was closed rejects, and says so', async () => {
    await host.call('shut')
    const { store } = host
    const calls = [store.get('a'), store.put(rowOf(), null), store.delete('a'), store.idsOf?.('a'), store.ready?.()]
    await Promise.all(calls.map((call) => expect(call).rejects.toMatchObject({ code: 'store_unavailable' })))
    await server.restart()
    await host.store.ready?.()
  })
})
