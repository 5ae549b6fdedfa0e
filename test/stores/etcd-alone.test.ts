import { afterAll, expect, it, vi } from 'vitest'
import { startEtcd } from '../../scripts/servers/etcd.ts'
import type { Server } from '../../scripts/servers/launch.ts'
import { etcdStore } from '../../src/stores/etcd.ts'
import { describeWith } from '../support/server.ts'
import { ask, base64, httpOf } from './etcd-raw.ts'
import { refusing, rowFor } from './rows.ts'

describeWith(['etcd'], 'etcdStore on an etcd of its own', () => {
  const servers: Server[] = []
  const start = async (settings: readonly string[] = []): Promise<Server> => {
    const server = await startEtcd(settings)
    servers.push(server)
    return server
  }
  afterAll(() => Promise.all(servers.map((server) => server.stop())))

  it('K-08 what was acknowledged outlives kill -9, what was deleted does not come back, and the store goes on by itself', async () => {
    const server = await start()
    const store = etcdStore({ endpoints: [httpOf(server)] })
    const [kept, ended] = [rowFor({ user: 'ann' }), rowFor({ user: 'ann' })]
    const version = await store.put(kept, null)
    const endedVersion = await store.put(ended, null)
    await store.delete(ended.id)
    await server.kill('SIGKILL')
    await expect(store.get(kept.id)).rejects.toEqual(refusing('store_unavailable'))
    await server.restart()
    await vi.waitFor(() => store.ready?.(), { timeout: 10_000 })
    expect(await store.get(kept.id)).toEqual({ ...kept, version })
    expect(await store.put(ended, endedVersion)).toBe(null)
    expect(await store.idsOf?.('ann')).toEqual([kept.id])
    expect(await store.put(kept, version)).not.toBe(null)
  })

  it('F-17 signs in where auth is on, again when the token is no more, and never says the password', async () => {
    const server = await start()
    const endpoint = httpOf(server)
    for (const [path, message] of authSetup) await ask(endpoint, path, message)
    let password = 'first-password'
    const store = etcdStore({ endpoints: [endpoint], credentials: () => ({ name: 'app', password }) })
    await store.ready?.()
    const row = rowFor({ user: 'ann' })
    const version = await store.put(row, null)
    // etcd keeps its tokens in memory.
    await server.restart()
    await vi.waitFor(() => store.ready?.(), { timeout: 10_000 })
    expect(await store.get(row.id)).toEqual({ ...row, version })
    for (const [options, sentence] of [
      [{}, /credentials/],
      [{ credentials: { name: 'app', password: 'wrong-password' } }, /check etcdStore's credentials/],
      [{ credentials: () => ({ name: 'app', password }), prefix: 'elsewhere/' }, /readwrite permission/],
    ] as const) {
      const refused = etcdStore({ endpoints: [endpoint], ...options })
      await expect(refused.ready?.()).rejects.toThrow(sentence)
      const error = (await refused.put(row, null).catch((reason: unknown) => reason)) as Error
      expect(error).toEqual(refusing('store_unavailable'))
      expect(`${error.stack} ${String(error.cause)}`).not.toMatch(/first-password|wrong-password/)
    }
    password = 'second-password'
    await changePassword(endpoint, password)
    await vi.waitFor(async () => expect(await store.get(row.id)).toEqual({ ...row, version }), { timeout: 10_000 })
  })

  it('a full etcd refuses writes and says what to do; reads and what was written stay', async () => {
    const server = await start(['--quota-backend-bytes', '6000000'])
    const store = etcdStore({ endpoints: [httpOf(server)] })
    await store.ready?.()
    const row = rowFor()
    let version = await store.put(row, null)
    const body = 'x'.repeat(500_000)
    const fill = async (): Promise<unknown> => {
      for (let n = 0; n < 50; n++) version = await store.put({ ...row, body }, version)
      return null
    }
    const refused = await fill().catch((error: unknown) => error)
    expect(refused).toEqual(refusing('store_unavailable'))
    expect(String(refused)).toMatch(/compact and defragment/)
    await expect(store.ready?.()).rejects.toThrow(/NOSPACE.*auto-compaction/)
    // The write that fills it is done, and refused all the same.
    expect(await store.get(row.id)).toEqual({ ...row, body, version: expect.any(String) as string })
    await store.delete(row.id)
    expect(await store.get(row.id)).toBe(null)
  })
})

const authSetup: readonly (readonly [string, object])[] = [
  ['/v3/auth/user/add', { name: 'root', password: 'root-password' }],
  ['/v3/auth/role/add', { name: 'root' }],
  ['/v3/auth/user/grant', { user: 'root', role: 'root' }],
  ['/v3/auth/user/add', { name: 'app', password: 'first-password' }],
  ['/v3/auth/role/add', { name: 'app' }],
  ['/v3/auth/role/grant', { name: 'app', perm: { permType: 'READWRITE', key: base64('coatcheck/'), range_end: base64('coatcheck0') } }],
  ['/v3/auth/user/grant', { user: 'app', role: 'app' }],
  ['/v3/auth/enable', {}],
]

async function changePassword(endpoint: string, password: string): Promise<void> {
  const { token } = await ask<{ token: string }>(endpoint, '/v3/auth/authenticate', { name: 'root', password: 'root-password' })
  await ask(endpoint, '/v3/auth/user/changepw', { name: 'app', password }, token)
}
