import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jetstream } from '@nats-io/jetstream'
import { type KV, Kvm } from '@nats-io/kv'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, expect, it, vi } from 'vitest'
import type { Server } from '../../scripts/servers/launch.ts'
import { startNats } from '../../scripts/servers/nats.ts'
import { natsStore } from '../../src/stores/nats.ts'
import { faultProxy } from '../support/fault-proxy.ts'
import { describeWith } from '../support/server.ts'
import { hourMs, newId, refusing, rowFor } from './rows.ts'

const restless = { maxReconnectAttempts: -1, reconnectTimeWait: 50, pingInterval: 500 }

describeWith(['nats'], 'natsStore on a NATS of its own', () => {
  const folder = mkdtempSync(join(tmpdir(), 'coatcheck-nats-config-'))
  const servers: Server[] = []
  const connections: NatsConnection[] = []

  async function start(config = ''): Promise<Server> {
    const file = join(folder, `${newId()}.conf`)
    writeFileSync(file, config)
    const server = await startNats(['-c', file])
    servers.push(server)
    return server
  }

  async function bucketOn(port: number, options: object = {}): Promise<KV> {
    const connection = await connect({ servers: `127.0.0.1:${port}`, ...restless, ...options })
    connections.push(connection)
    const buckets = new Kvm(jetstream(connection, { timeout: 1_000 }))
    return buckets.create('sessions', { ttl: 24 * hourMs }).catch(() => buckets.open('sessions'))
  }

  afterAll(async () => {
    await Promise.all(connections.map((connection) => connection.close()))
    await Promise.all(servers.map((server) => server.stop()))
    rmSync(folder, { recursive: true })
  })

  it('what was acknowledged outlives kill -9, what was deleted does not come back, and the store goes on by itself', async () => {
    const server = await start()
    const store = natsStore({ kv: await bucketOn(server.port) })
    const [kept, ended] = [rowFor({ user: 'ann' }), rowFor({ user: 'ann' })]
    const version = await store.put(kept, null)
    const endedVersion = await store.put(ended, null)
    await store.delete(ended.id)
    await server.kill('SIGKILL')
    await expect(store.get(kept.id)).rejects.toEqual(refusing('store_unavailable'))
    await server.restart()
    await vi.waitFor(() => store.ready?.(), { timeout: 15_000 })
    expect(await store.get(kept.id)).toEqual({ ...kept, version })
    expect(await store.put(ended, endedVersion)).toBe(null)
    expect(await store.idsOf?.('ann')).toEqual([kept.id])
    const next = await store.put(kept, version)
    expect(Number.parseInt(String(next), 10)).toBeGreaterThan(Number.parseInt(String(version), 10))
  })

  it('F-07 after a lost reply the row is written once, and the next read is right', async () => {
    const server = await start()
    const proxy = await faultProxy(server.port)
    const store = natsStore({ kv: await bucketOn(proxy.port) })
    const direct = natsStore({ kv: await bucketOn(server.port) })
    const row = rowFor({ user: 'ann' })
    const version = await store.put(row, null)
    proxy.set({ kind: 'lose-reply' })
    await expect(store.put({ ...row, body: '"lost reply"' }, version)).rejects.toEqual(refusing('store_unavailable'))
    const written = await direct.get(row.id)
    expect(written?.body).toBe('"lost reply"')
    proxy.set(null)
    await vi.waitFor(async () => expect(await store.get(row.id)).toEqual(written), { timeout: 10_000 })
    expect(await store.put(row, version)).toBe(null)
    await proxy.close()
  })

  it('the size of a message is asked of the server', async () => {
    const server = await start('max_payload: 65536')
    const store = natsStore({ kv: await bucketOn(server.port) })
    await expect(store.put(rowFor({ body: 'x'.repeat(65_500) }), null)).rejects.toThrow(/65536 fit/)
    expect(await store.put(rowFor({ body: 'x'.repeat(64_000) }), null)).not.toBe(null)
  })

  it('a connection without the rights, or closed, is told apart', async () => {
    const server = await start(`
      authorization {
        users = [
          { user: admin, password: admin-password }
          { user: reader, password: reader-password, permissions: { publish: ["$JS.API.>"] } }
        ]
      }`)
    const admin = natsStore({ kv: await bucketOn(server.port, { user: 'admin', pass: 'admin-password' }) })
    const row = rowFor()
    const version = await admin.put(row, null)
    const reader = natsStore({ kv: await bucketOn(server.port, { user: 'reader', pass: 'reader-password' }) })
    expect(await reader.get(row.id)).toEqual({ ...row, version })
    const error = (await reader.put(row, version).catch((reason: unknown) => reason)) as Error
    expect(error).toEqual(refusing('store_unavailable'))
    expect(error.message).toMatch(/publish permission/)
    expect(`${error.stack} ${String(error.cause)}`).not.toMatch(/-password/)
    await Promise.all(connections.map((connection) => connection.close()))
    await expect(admin.ready?.()).rejects.toThrow(/connection was closed/)
    for (const call of [() => admin.get(row.id), () => admin.put(row, version), () => admin.delete(row.id), () => admin.idsOf?.('ann')]) {
      await expect(call()).rejects.toEqual(refusing('store_unavailable'))
    }
  })
})
