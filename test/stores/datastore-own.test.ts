import { Datastore, PropertyFilter } from '@google-cloud/datastore'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SessionStore } from '../../src/core/types.ts'
import { rowOf } from '../../src/stores/datastore/entities.ts'
import { type DatastoreLike, datastoreStore } from '../../src/stores/datastore.ts'
import { datastoreMode as datastoreModeServer } from '../../scripts/servers/google.ts'
import { warmed } from '../support/google.ts'
import { describeWith, sharedServer } from '../support/server.ts'
import { create, grpcError, hourMs, newRow } from './google-rows.ts'
import { closeDatastore, datastoreOn } from './profiles/datastore.ts'

type Calls = DatastoreLike['request_']
type Config = Parameters<Calls>[0]
type Callback = Parameters<Calls>[1]

const ours = 's-'
const expireAt = new Date(Date.now() + hourMs)

test('options that are wrong fail at once and say what to write', () => {
  const client: DatastoreLike = { request_: () => {} }
  const wrong: [unknown, RegExp][] = [
    [undefined, /takes an object/],
    [{}, /new Datastore\(\)/],
    [{ client: {} }, /new Datastore\(\)/],
    [{ client: { lookup() {}, commit() {} } }, /v1\.DatastoreClient/],
    [{ client, kinds: 'a' }, /no option kinds/],
    [{ client, kind: '' }, /kind must match/],
    [{ client, kind: '__Stat__' }, /kind must match/],
    [{ client, kind: 'a/b' }, /kind must match/],
    [{ client, namespace: '__hidden' }, /namespace must match/],
    [{ client, namespace: 'a b' }, /namespace must match/],
    [{ client: { ...client, namespace: 'ä' } }, /namespace must match/],
    [{ client, ttlPolicy: 'yes' }, /ttlPolicy must be true or false/],
  ]
  for (const [options, message] of wrong) {
    const make = (): unknown => datastoreStore(options as Parameters<typeof datastoreStore>[0])
    expect(make, JSON.stringify(options)).toThrow(
      expect.objectContaining({ code: 'config_invalid', message: expect.stringMatching(message) }),
    )
  }
  expect(datastoreStore({ client, kind: 'A.b-c_1', namespace: 'shop-1' }).sweep).toBeTypeOf('function')
  expect(datastoreStore({ client, ttlPolicy: true }).sweep).toBeUndefined()
})

test('P-02 a polluted Object.prototype owns no session', () => {
  const properties = {
    body: { stringValue: '{}' },
    version: { stringValue: 'v' },
    expireAt: { timestampValue: { seconds: '1', nanos: 5_000_000 } },
  }
  Object.assign(Object.prototype, { user: { stringValue: 'mallory' } })
  try {
    expect(rowOf('id', { entity: { properties } })).toEqual({ id: 'id', body: '{}', user: null, expiresAt: 1_005, version: 'v' })
  } finally {
    Reflect.deleteProperty(Object.prototype, 'user')
  }
})

for (const server of ['datastore', 'datastore-mode']) {
  describeWith([server], `the store on ${server}`, () => {
    let url: string
    let client: Datastore
    let store: SessionStore

    beforeAll(async () => {
      url = await sharedServer(server)
      client = clientOf(url)
      store = datastoreStore({ client })
      await warmed(url, async () => store.ready?.())
    }, 120_000)

    afterAll(() => closeDatastore(client))

    test('P-05 an entity that is not ours, under a key of ours, is no session and stops nobody', async () => {
      const foreign: Record<string, unknown>[] = [
        { data: Buffer.from('gAJ9cQAu', 'base64'), updated: new Date() },
        { data: '{"cookie":{"path":"/"}}', createdAt: new Date() },
        {},
        { body: '{}', expireAt },
        { body: '{}', version: 'v' },
        { body: '{}', version: 'v', expireAt: Date.now() + hourMs },
        { body: Buffer.from('{}'), version: 'v', expireAt },
        { body: '{}', version: 7, expireAt },
        { body: '{}', version: 'v', expireAt, user: ['ann'] },
        { body: { nested: true }, version: 'v', expireAt, user: null },
      ]
      for (const data of foreign) {
        const row = newRow()
        await client.save({ key: keyOf(client, row.id), data })
        const what = JSON.stringify(data)
        expect(await store.get(row.id), what).toBeNull()
        expect(await store.getMany?.([row.id]), what).toEqual([null])
        expect(await store.put(row, null), what).toBeNull()
        expect(await store.put(row, 'v'), what).toBeNull()
        expect(await store.touch?.(row.id, row.expiresAt), what).toBe(false)
        await store.delete(row.id)
        expect(await client.get(keyOf(client, row.id)), what).toEqual([undefined])
      }
    })

    test('keys of others in our kind are not named and not swept', async () => {
      const user = `user-${newRow().id}`
      const kind = 'coatcheck_session'
      const data = { user, expireAt: new Date(0) }
      const keys = [client.key([kind, 77]), client.key([kind, 'AbCdEfGhIjKlMnOpQrStUv']), client.key(['Person', 'ann', kind, 's-inner'])]
      for (const key of keys) await client.save({ key, data })
      const { id } = await create(store, { user })
      expect(await store.idsOf?.(user)).toEqual([id])
      await store.sweep?.(Date.now(), 500)
      for (const key of keys) expect((await client.get(key))[0], key.path.join('/')).toMatchObject({ user })
      await client.delete(keys)
    })

    test('kinds, namespaces and projects do not see each other; the namespace of the client is the default', async () => {
      const elsewhere = clientOf(url, { namespace: 'shop' })
      const project = clientOf(url, { projectId: 'another-project' })
      const row = await create(store, { user: `user-${newRow().id}` })
      const others = [
        datastoreStore({ client, kind: 'other' }),
        datastoreStore({ client, namespace: 'shop' }),
        datastoreStore({ client: elsewhere }),
        datastoreStore({ client: project }),
      ]
      for (const other of others) {
        expect(await other.get(row.id)).toBeNull()
        expect(await other.idsOf?.(row.user ?? '')).toEqual([])
      }
      const inShop = await create(datastoreStore({ client, namespace: 'shop' }))
      expect(await datastoreStore({ client: elsewhere }).get(inShop.id)).toEqual(inShop)
      expect(await datastoreStore({ client: elsewhere, namespace: '' }).get(row.id)).toEqual(row)
      await Promise.all([closeDatastore(elsewhere), closeDatastore(project)])
    })

    test('D-03 a row at the limit is kept, one over it is refused before anything is sent', async () => {
      const limit = 1_048_000
      const { calls, store: counted } = counting()
      const kept = await create(counted, { body: 'x'.repeat(limit - 1_499), user: 'u'.repeat(1_499) })
      expect(await counted.get(kept.id)).toEqual(kept)
      expect(await counted.idsOf?.(kept.user ?? '')).toEqual([kept.id])
      expect(await counted.idsOf?.('u'.repeat(1_500))).toEqual([])
      const sent = calls.length
      const refused = [newRow({ body: 'x'.repeat(limit + 1) }), newRow({ body: 'é'.repeat(limit / 2), user: 'a' })]
      for (const row of refused) await expect(counted.put(row, null)).rejects.toMatchObject({ code: 'session_too_large' })
      const odd = [
        newRow({ user: '李'.repeat(500) }),
        newRow({ body: '\ud800' }),
        newRow({ id: 'a/b' }),
        newRow({ expiresAt: Infinity }),
        newRow({ expiresAt: 1e15 }),
      ]
      for (const row of odd) await expect(counted.put(row, null)).rejects.toMatchObject({ code: 'value_invalid' })
      expect(calls).toHaveLength(sent)
      await store.delete(kept.id)
    })

    test('R-01 a server that answers a lost race with 200 has lost it all the same', async () => {
      // What clients before version 9 send: they know no FAIL.
      const { store: lenient } = through((config, callback, call) => {
        const plain = JSON.parse(JSON.stringify(config).replaceAll(',"conflictResolutionStrategy":"FAIL"', '')) as Config
        call(server === 'datastore' ? plain : config, callback)
      })
      const first = await create(lenient)
      const second = await store.put({ ...first, body: '"winner"' }, first.version)
      expect(await lenient.put({ ...first, body: '"loser"' }, first.version)).toBeNull()
      expect(await store.get(first.id)).toMatchObject({ body: '"winner"', version: second })
    })

    test('R-03 a touch between read and write costs two calls more and loses nothing', async () => {
      const { calls, store: counted } = counting()
      const row = await create(counted)
      await store.touch?.(row.id, row.expiresAt + hourMs)
      calls.length = 0
      const version = await counted.put({ ...row, body: '"changed"' }, row.version)
      expect(calls).toEqual(['commit', 'lookup', 'commit'])
      expect(await store.get(row.id)).toMatchObject({ body: '"changed"', version })
    })

    test('idsOf gathers what comes in several batches', async () => {
      const user = `user-${newRow().id}`
      const rows = []
      for (let n = 0; n < 5; n++) rows.push(await create(store, { user }))
      const { calls, store: batched } = through((config, callback, call) => {
        const { query } = config.reqOpts as { query: object }
        call({ ...config, reqOpts: { ...config.reqOpts, query: { ...query, limit: { value: 2 } } } }, (error, response) => {
          const { batch } = response as { batch: { entityResults: unknown[] } }
          const moreResults = batch.entityResults.length === 2 ? 'NOT_FINISHED' : 'NO_MORE_RESULTS'
          callback(error, { batch: { ...batch, moreResults } })
        })
      })
      expect((await batched.idsOf?.(user))?.toSorted()).toEqual(rows.map(({ id }) => id).toSorted())
      expect(calls).toEqual(['runQuery', 'runQuery', 'runQuery'])
    })

    test('L-10 a sweep leaves the one of three that was given more time while it looked', async () => {
      const rows = [await create(store), await create(store), await create(store)]
      const past = Date.now() - 400 * 24 * hourMs
      for (const [n, row] of rows.entries())
        rows[n] = { ...row, expiresAt: past, version: (await store.put({ ...row, expiresAt: past }, row.version)) ?? '' }
      const [spared, ...others] = rows
      const { store: sweeper } = through((config, callback, call) => {
        if (config.method !== 'runQuery') return call(config, callback)
        call(config, (error, response) => {
          void store.touch?.(spared?.id ?? '', Date.now() + hourMs).then(() => callback(error, response))
        })
      })
      expect(await sweeper.sweep?.(past + 1, 500)).toBe(2)
      expect(await store.get(spared?.id ?? '')).toMatchObject({ version: spared?.version })
      for (const { id } of others) expect(await store.get(id)).toBeNull()
      await store.delete(spared?.id ?? '')
    })

    test('F-11 ABORTED is tried again because nothing was applied, any other failure of a commit is not', async () => {
      let failing: [code: number, times: number] = [10, 2]
      const { calls, store: shaky } = through((config, callback, call) => {
        if (config.method !== 'commit' || failing[1]-- <= 0) return call(config, callback)
        callback(grpcError(failing[0], 'too much contention'), undefined)
      })
      const row = await create(shaky)
      expect(calls).toEqual(['commit', 'commit', 'commit'])
      for (const code of [4, 8, 13, 14]) {
        calls.length = 0
        failing = [code, 1]
        await expect(shaky.put(row, row.version)).rejects.toMatchObject({ code: 'store_unavailable' })
        expect(calls, `${code}`).toEqual(['commit'])
      }
      failing = [10, Infinity]
      await expect(shaky.delete(row.id)).rejects.toMatchObject({ code: 'store_unavailable' })
      expect(await store.get(row.id)).toEqual(row)
    })

    test('F-07 a put whose answer was lost is there once, and the next one wins', async () => {
      let lose = false
      const { store: shaky } = through((config, callback, call) => {
        call(config, (error, response) => (lose ? callback(grpcError(14, 'connection lost'), undefined) : callback(error, response)))
      })
      const row = await create(shaky)
      lose = true
      await expect(shaky.put({ ...row, body: '"once"' }, row.version)).rejects.toMatchObject({ code: 'store_unavailable' })
      lose = false
      const current = await shaky.get(row.id)
      expect(current?.body).toBe('"once"')
      expect(await shaky.put({ ...row, body: '"twice"' }, row.version)).toBeNull()
      expect(await shaky.put({ ...row, body: '"next"' }, current?.version ?? '')).not.toBeNull()
    })

    test('what one lookup had no room for is asked for again', async () => {
      const { store: crowded } = through((config, callback, call) => {
        const { keys } = config.reqOpts as { keys?: unknown[] }
        if (config.method !== 'lookup' || keys === undefined || keys.length < 2) return call(config, callback)
        const reqOpts = { ...config.reqOpts, keys: keys.slice(0, 1) }
        call({ ...config, reqOpts }, (error, response) => callback(error, { ...(response as object), deferred: keys.slice(1) }))
      })
      const rows = [await create(store), await create(store), await create(store)]
      expect(await crowded.getMany?.(rows.map(({ id }) => id))).toEqual(rows)
      const { store: stuck } = through((config, callback) => callback(null, { deferred: (config.reqOpts as { keys: unknown[] }).keys }))
      await expect(stuck.get(rows[0]?.id ?? '')).rejects.toMatchObject({ code: 'store_unavailable' })
    })

    test('ready() says what to mend: the account, the project, the index', async () => {
      const answers: [Error, string, RegExp][] = [
        [grpcError(7, 'PERMISSION_DENIED'), 'config_invalid', /roles\/datastore\.user/],
        [grpcError(16, 'UNAUTHENTICATED'), 'config_invalid', /credentials/],
        [grpcError(5, 'NOT_FOUND'), 'config_invalid', /databases list/],
        [grpcError(3, 'global queries do not support strong consistency'), 'config_invalid', /strong consistency/],
        [new Error('Could not load the default credentials.'), 'config_invalid', /default credentials/],
        [grpcError(14, 'UNAVAILABLE'), 'store_unavailable', /UNAVAILABLE/],
      ]
      for (const [error, code, message] of answers) {
        const { store: unfit } = through((_config, callback) => callback(error, undefined))
        await expect(unfit.ready?.()).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
        await expect(unfit.get('x')).rejects.toMatchObject({ code: 'store_unavailable' })
      }
    })

    test('with ttlPolicy the expiry is in no index', async () => {
      const row = await create(datastoreStore({ client, ttlPolicy: true }), { expiresAt: Date.now() - hourMs })
      const due = new PropertyFilter('expireAt', '=', new Date(row.expiresAt))
      expect(await client.runQuery(client.createQuery('coatcheck_session').filter(due))).toMatchObject([[], {}])
      expect(await store.get(row.id)).toEqual(row)
      await store.delete(row.id)
    })

    /** The store on the real client, with something in between. */
    function through(request: (config: Config, callback: Callback, call: Calls) => void): { store: SessionStore; calls: string[] } {
      const calls: string[] = []
      const between: DatastoreLike = {
        request_(config, callback) {
          calls.push(config.method)
          request(config, callback, (...args) => client['request_'](...(args as Parameters<Datastore['request_']>)))
        },
      }
      return { store: datastoreStore({ client: between }), calls }
    }

    function counting(): { store: SessionStore; calls: string[] } {
      return through((config, callback, call) => call(config, callback))
    }
  })
}

describeWith(['datastore-mode', 'firestore'], 'another server', () => {
  test('F-01 one that ends and comes back: store_unavailable meanwhile, and no restart of ours', { timeout: 120_000 }, async () => {
    const server = await datastoreModeServer.start()
    const client = clientOf(server.url)
    const store = datastoreStore({ client })
    await warmed(server.url, async () => store.ready?.())
    const row = await create(store)
    await server.kill('SIGKILL')
    for (const call of [store.put(row, row.version), store.delete(row.id), store.put(newRow(), null)]) {
      await expect(call).rejects.toMatchObject({ code: 'store_unavailable' })
    }
    await server.restart()
    await expect.poll(() => store.get(row.id).catch(() => 'away'), { timeout: 40_000 }).toBeNull()
    // The emulator forgets; the real one does not.
    expect(await store.put(row, row.version)).toBeNull()
    expect(await store.put(row, null)).not.toBeNull()
    await closeDatastore(client)
    await server.stop()
  })

  test('F-01 ready() rejects where Firestore is in Native mode', async () => {
    const native = clientOf(await sharedServer('firestore'))
    const refusal = { code: 'config_invalid', message: expect.stringMatching(/Datastore Mode/) }
    await expect(datastoreStore({ client: native }).ready?.()).rejects.toMatchObject(refusal)
    await closeDatastore(native)
  })
})

function clientOf(url: string, options: { namespace?: string; projectId?: string } = {}): Datastore {
  return datastoreOn(Number(new URL(url).port), options)
}

function keyOf(client: Datastore, id: string): ReturnType<typeof client.key> {
  return client.key(['coatcheck_session', ours + id])
}
