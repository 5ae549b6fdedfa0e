import { FieldValue, Firestore, type Settings } from '@google-cloud/firestore'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { SessionStore } from '../../src/core/types.ts'
import type { FirestoreCollection, FirestoreDocument } from '../../src/stores/firestore/client.ts'
import { type FirestoreLike, firestoreStore } from '../../src/stores/firestore.ts'
import { firestore as firestoreServer } from '../../scripts/servers/google.ts'
import { warmed } from '../support/google.ts'
import { describeWith, sharedServer } from '../support/server.ts'
import { create, grpcError, hourMs, newRow } from './google-rows.ts'
import { firestoreOn } from './profiles/firestore.ts'

const expireAt = new Date(Date.now() + hourMs)

test('options that are wrong fail at once and say what to write', () => {
  const client = new Firestore({ projectId: 'shop' })
  const wrong: [unknown, RegExp][] = [
    [undefined, /takes an object/],
    [{}, /new Firestore\(\)/],
    [{ client: { collection() {} } }, /new Firestore\(\)/],
    [{ client, kind: 'a' }, /no option kind/],
    [{ client, collection: '' }, /collection must match/],
    [{ client, collection: 'a/b/c' }, /collection must match/],
    [{ client, collection: '__a__' }, /collection must match/],
    [{ client, collection: '..' }, /collection must match/],
    [{ client, ttlPolicy: 1 }, /ttlPolicy must be true or false/],
  ]
  for (const [options, message] of wrong) {
    const make = (): unknown => firestoreStore(options as Parameters<typeof firestoreStore>[0])
    expect(make, String(message)).toThrow(expect.objectContaining({ code: 'config_invalid', message: expect.stringMatching(message) }))
  }
  expect(firestoreStore({ client, collection: 'A.b-c_1' }).sweep).toBeTypeOf('function')
  expect(firestoreStore({ client, ttlPolicy: true }).sweep).toBeUndefined()
})

describeWith(['firestore', 'datastore-mode'], 'the store on firestore', () => {
  let url: string
  let client: Firestore
  let store: SessionStore

  beforeAll(async () => {
    url = await sharedServer('firestore')
    client = clientOf(url)
    store = firestoreStore({ client })
    await warmed(url, async () => store.ready?.())
  }, 120_000)

  afterAll(() => client.terminate())

  test('P-05 a document that is not ours, under a name of ours, is no session and stops nobody', async () => {
    const foreign: Record<string, unknown>[] = [
      { data: Buffer.from('gAJ9cQAu', 'base64'), updated: new Date() },
      { data: '{"cookie":{"path":"/"}}', createdAt: new Date() },
      {},
      { body: '{}', user: null, expireAt },
      { body: '{}', user: null, version: 'v' },
      { body: '{}', user: null, version: 'v', expireAt: Date.now() + hourMs },
      { body: Buffer.from('{}'), user: null, version: 'v', expireAt },
      { body: '{}', user: null, version: 7, expireAt },
      { body: '{}', user: ['ann'], version: 'v', expireAt },
      { body: '{}', version: 'v', expireAt },
      { body: '{}', user: null, version: 'v', expireAt: { toMillis: 1 } },
    ]
    for (const data of foreign) {
      const row = newRow()
      const document = client.doc(`coatcheck_session/s-${row.id}`)
      await document.set(data)
      const what = JSON.stringify(data)
      expect(await store.get(row.id), what).toBeNull()
      expect(await store.getMany?.([row.id]), what).toEqual([null])
      expect(await store.put(row, null), what).toBeNull()
      expect(await store.put(row, 'v'), what).toBeNull()
      expect(await store.touch?.(row.id, row.expiresAt), what).toBe(false)
      await store.delete(row.id)
      expect((await document.get()).exists, what).toBe(false)
    }
  })

  test('documents of others in our collection are not named and not swept', async () => {
    const user = `user-${newRow().id}`
    const others = ['AbCdEfGhIjKlMnOpQrStUv', 'zz', '0', 'r-x', 't'].map((name) => client.doc(`coatcheck_session/${name}`))
    for (const other of others) await other.set({ user, expireAt: new Date(0) })
    const { id } = await create(store, { user })
    expect(await store.idsOf?.(user)).toEqual([id])
    await store.sweep?.(Date.now(), 500)
    for (const other of others) expect((await other.get()).exists, other.id).toBe(true)
    const ids: string[] = []
    let cursor: string | null = null
    do {
      const page: { ids: string[]; cursor: string | null } = (await store.scan?.(cursor, 50)) ?? { ids: [], cursor: null }
      ids.push(...page.ids)
      cursor = page.cursor
    } while (cursor !== null)
    expect(ids).toContain(id)
    expect(new Set(ids).size).toBe(ids.length)
    await Promise.all(others.map((other) => other.delete()))
  })

  test('collections and projects do not see each other', async () => {
    const project = clientOf(url, { projectId: 'another-project' })
    const row = await create(store, { user: `user-${newRow().id}` })
    for (const other of [firestoreStore({ client, collection: 'other' }), firestoreStore({ client: project })]) {
      expect(await other.get(row.id)).toBeNull()
      expect(await other.idsOf?.(row.user ?? '')).toEqual([])
    }
    await project.terminate()
  })

  test('D-03 a row at the limit is kept, one over it is refused, and what would come back altered too', async () => {
    const limit = 1_048_000
    const kept = await create(store, { body: 'x'.repeat(limit - 1_499), user: 'u'.repeat(1_499) })
    expect(await store.get(kept.id)).toEqual(kept)
    expect(await store.idsOf?.(kept.user ?? '')).toEqual([kept.id])
    expect(await store.idsOf?.('u'.repeat(1_500))).toEqual([])
    const large = [newRow({ body: 'x'.repeat(limit + 1) }), newRow({ body: 'é'.repeat(limit / 2), user: 'a' })]
    for (const row of large) await expect(store.put(row, null)).rejects.toMatchObject({ code: 'session_too_large' })
    const odd = [
      newRow({ user: '李'.repeat(500) }),
      newRow({ body: '\ud800' }),
      newRow({ id: 'a/b/c' }),
      newRow({ expiresAt: NaN }),
      newRow({ expiresAt: 1e15 }),
    ]
    for (const row of odd) await expect(store.put(row, null)).rejects.toMatchObject({ code: 'value_invalid' })
    await store.delete(kept.id)
  })

  test('L-10 a sweep leaves the one of three that was given more time while it looked', async () => {
    const rows = [await create(store), await create(store), await create(store)]
    const past = Date.now() - 400 * 24 * hourMs
    for (const row of rows) await client.doc(`coatcheck_session/s-${row.id}`).update({ expireAt: new Date(past) })
    const [spared, ...others] = rows
    const late = between({
      bulkWriter(options) {
        const writer = client.bulkWriter(options)
        const touched = store.touch?.(spared?.id ?? '', Date.now() + hourMs)
        return {
          delete: (document, precondition) => Promise.resolve(touched).then(() => writer.delete(document as never, precondition as never)),
          close: () => Promise.resolve(touched).then(() => writer.close()),
        }
      },
    })
    expect(await firestoreStore({ client: late }).sweep?.(past + 1, 500)).toBe(2)
    expect(await store.get(spared?.id ?? '')).toMatchObject({ version: spared?.version })
    for (const { id } of others) expect(await store.get(id)).toBeNull()
  })

  test('F-06 F-07 a write that the client sent twice, because its first answer was lost, has won', async () => {
    const twice = between({
      collection(name) {
        const documents = client.collection(name)
        const doc = (id: string): FirestoreDocument => {
          const document = documents.doc(id)
          const [create, update] = [document.create.bind(document), document.update.bind(document) as FirestoreDocument['update']]
          return Object.assign(document as FirestoreDocument, {
            create: (data: object) => create(data).then(() => create(data)),
            update: (...args: Parameters<typeof update>) => update(...args).then(() => update(...args)),
          })
        }
        return { ...(documents as FirestoreCollection), doc }
      },
    })
    const repeating = firestoreStore({ client: twice })
    const row = await create(repeating)
    expect(await store.get(row.id)).toEqual(row)
    const version = await repeating.put({ ...row, body: '"changed"' }, row.version)
    expect(version).not.toBeNull()
    expect(await store.get(row.id)).toEqual({ ...row, body: '"changed"', version })
    expect(await repeating.put(row, null)).toBeNull()
    expect(await repeating.put(row, row.version)).toBeNull()
  })

  test('ready() says what to mend: the account, the project, the index', async () => {
    const answers: [Error, string, RegExp][] = [
      [grpcError(7, 'PERMISSION_DENIED'), 'config_invalid', /roles\/datastore\.user/],
      [grpcError(9, 'The query requires an index'), 'config_invalid', /exempt from indexing/],
      [new Error('Unable to detect a Project Id in the current environment.'), 'config_invalid', /Project Id/],
      [grpcError(14, 'UNAVAILABLE'), 'store_unavailable', /UNAVAILABLE/],
    ]
    for (const [error, code, message] of answers) {
      const failing = between({
        collection(name) {
          const real = client.collection(name) as unknown as ReturnType<FirestoreLike['collection']>
          const query = { ...real, where: () => query, select: () => query, get: () => Promise.reject(error) }
          return query
        },
      })
      const unfit = firestoreStore({ client: failing })
      await expect(unfit.ready?.()).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
      await expect(unfit.idsOf?.('ann')).rejects.toMatchObject({ code: 'store_unavailable' })
    }
  })

  test('fields of somebody else in our document stay where they are, and in nobody’s way', async () => {
    const row = await create(store)
    await client.doc(`coatcheck_session/s-${row.id}`).update({ tag: FieldValue.increment(1) })
    const version = await store.put({ ...row, body: '"changed"' }, row.version)
    expect(await store.get(row.id)).toEqual({ ...row, body: '"changed"', version })
  })

  test('F-01 ready() rejects where Firestore is in Datastore mode', async () => {
    const other = clientOf(await sharedServer('datastore-mode'))
    await expect(firestoreStore({ client: other }).ready?.()).rejects.toMatchObject({ code: 'config_invalid' })
    await other.terminate()
  })

  test('F-01 one that ends and comes back: store_unavailable meanwhile, and no restart of ours', { timeout: 120_000 }, async () => {
    const server = await firestoreServer.start()
    const own = clientOf(server.url)
    const lone = firestoreStore({ client: own })
    await warmed(server.url, async () => lone.ready?.())
    const row = await create(lone)
    await server.kill('SIGKILL')
    const during = lone.get(row.id).catch((error: unknown) => error)
    await server.restart()
    // The client waits and tries again, so the answer may be of either.
    expect([null, 'store_unavailable']).toContain(codeOf(await during))
    await expect.poll(() => lone.get(row.id).catch(() => 'away'), { timeout: 40_000 }).toBeNull()
    // The emulator forgets; the real one does not.
    expect(await lone.put(row, row.version)).toBeNull()
    expect(await lone.put(row, null)).not.toBeNull()
    await own.terminate()
    await server.stop()
  })

  /** The real client, with something in between. */
  function between(parts: Partial<FirestoreLike>): FirestoreLike {
    const real: FirestoreLike = client
    return {
      collection: (name) => real.collection(name),
      getAll: (...documents) => real.getAll(...documents),
      bulkWriter: (options) => real.bulkWriter(options),
      ...parts,
    }
  }
})

function codeOf(answer: unknown): unknown {
  return answer instanceof Error && 'code' in answer ? answer.code : answer
}

function clientOf(url: string, options: Settings = {}): Firestore {
  return firestoreOn(Number(new URL(url).port), options)
}
