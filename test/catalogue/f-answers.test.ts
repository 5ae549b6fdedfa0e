import { describe, expect, it } from 'vitest'
import type { SessionStore, StoredRow } from '../../src/index.ts'
import { all, stored } from '../support/backends.ts'
import { cookieName, holder, listener, request } from '../support/raw.ts'
import { Visitor } from '../support/visitor.ts'

describe.each(stored)('what a store hands out on $name', (backend) => {
  it('F-19 another session’s row, or one under another id, is no session', async () => {
    const { onEvent, rejections } = listener()
    const { sessions, store, close } = backend.setup({ onEvent })
    const [mine, other] = [await holder(sessions, 'mine'), await holder(sessions, 'other')]
    if (store === null) throw new Error('this backend has a store')
    const { get } = store
    const swaps: SessionStore['get'][] = [
      () => get(other.id),
      async () => ({ ...((await get(other.id)) as StoredRow), id: mine.id }),
      async (id) => ({ ...((await get(id)) as StoredRow), id: other.id }),
    ]
    for (const swap of swaps) {
      store.get = swap
      expect((await mine.visitor.visit((session) => [session.isNew, session.get('mine')])).result).toEqual([true, undefined])
      expect(rejections()).toEqual(['unreadable', 'absent'])
    }
    store.get = get
    store.getMany = async (ids) => Promise.all(ids.map((id) => get(id === mine.id ? other.id : mine.id)))
    expect((await mine.visitor.visit((session) => session.get('mine'))).result).toBe('mine')
    await close()
  })

  it('F-19 an index that names another user’s session lists it for nobody else, and ends it for nobody else', async () => {
    const { sessions, store, close } = backend.setup()
    const [ada, bob] = [new Visitor(sessions), new Visitor(sessions)]
    await ada.visit((session) => session.signIn('ada'))
    const { result: bobs } = await bob.visit((session) => {
      session.signIn('bob')
      return session.id
    })
    const idsOf = store?.idsOf
    if (store === null || idsOf === undefined) throw new Error('this backend has an index')
    store.idsOf = async (user) => [...(await idsOf(user)), bobs, 'A'.repeat(24)]
    expect((await sessions.list('ada')).map(({ user }) => user)).toEqual(['ada'])
    expect(await sessions.revokeUser('ada')).toBe(1)
    expect([(await ada.visit((session) => session.user)).result, (await bob.visit((session) => session.user)).result]).toEqual([
      null,
      'bob',
    ])
    for (const nobody of [null, undefined, 7])
      await expect(sessions.revokeUser(nobody as never)).rejects.toMatchObject({ code: 'value_invalid' })
    await close()
  })

  it('F-21 F-22 only ids we minted reach a store, and bytes in keys and values are data', async () => {
    const { sessions, store, close } = backend.setup()
    const odd = ['../x', '%2e%2e', 'a\0b', 'x'.repeat(300), 'CON', 'é', '{}', '{"$gt":""}', 'a b', "x' OR 1=1 --", '*', 'A'.repeat(24), '']
    for (const id of odd) {
      expect(await sessions.revoke(id === 'A'.repeat(24) ? `${id}!` : id)).toBe(false)
      expect((await request(sessions, `${cookieName}=${id}`)).opened).toBe(false)
    }
    for (const id of [null, undefined, 7, {}, ['A'.repeat(24)], { $gt: '' }]) expect(await sessions.revoke(id as string)).toBe(false)
    expect(store?.calls).toEqual([])
    const nasty = ['a\r\nset b 0 0 1\r\nx', '$5\r\nhello', "'; DROP TABLE session; --", '{{7*7}}', '\0', '\x1b[31m', ':n', '?1']
    const visitor = new Visitor(sessions)
    await visitor.visit((session) => nasty.forEach((text) => session.set(text, text)))
    expect((await visitor.visit((session) => session.entries())).result).toEqual(nasty.map((text) => [text, text]))
    await close()
  })
})

it.each(stored)(
  'F-07 F-06 a reply that is lost after the write was applied is an error, and the write is not repeated, on $name',
  async (backend) => {
    const { sessions, store, close } = backend.setup()
    const { visitor } = await holder(sessions, 0)
    if (store === null) throw new Error('this backend has a store')
    const { put } = store
    let lost = 0
    store.put = async (...args) => {
      await put(...args)
      lost++
      throw new Error('connection reset')
    }
    const increment = (): Promise<unknown> => visitor.visit((session) => void session.update('mine', (n) => (n as number) + 1))
    await expect(increment()).rejects.toMatchObject({ code: 'store_unavailable' })
    await expect(new Visitor(sessions).visit((session) => session.set('a', 1))).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(lost).toBe(2)
    store.put = put
    expect((await visitor.visit((session) => session.get('mine'))).result).toBe(1)
    await increment()
    expect((await visitor.visit((session) => session.get('mine'))).result).toBe(2)
    await close()
  },
)

it.each(all)('F-15 our expiry does not depend on the store’s clock, on $name', async (backend) => {
  for (const offsetMs of [-3_600_000, 3_600_000]) {
    const { sessions, store, advance, close } = backend.setup({ lifetime: { idle: '30m', absolute: '2h' } })
    const visitor = new Visitor(sessions)
    await visitor.visit((session) => session.set('mine', 1))
    const sweep = store?.sweep
    if (store !== null && sweep !== undefined && offsetMs < 0) await sweep.call(store, 1_800_000_000_000 + offsetMs, 10)
    advance(30 * 60_000)
    expect((await visitor.visit((session) => session.get('mine'))).result).toBe(1)
    advance(30 * 60_000 + 1)
    expect((await visitor.visit((session) => session.isNew)).result).toBe(true)
    await close()
  }
})
