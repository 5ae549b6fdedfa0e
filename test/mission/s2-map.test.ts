import { describe, expect, it } from 'vitest'
import { createSessions } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { all, secret, stored } from '../support/backends.ts'
import { Visitor } from '../support/visitor.ts'

describe.each(all)('S2 on $name', (backend) => {
  it('S2.1 it behaves like a Map', async () => {
    const { sessions, close } = backend.setup()
    const visitor = new Visitor(sessions)
    await visitor.visit((session) => session.set('a', 1).set('b', { x: [1] }))
    await visitor.visit((session) => {
      const map = new Map<string, unknown>([
        ['a', 1],
        ['b', { x: [1] }],
      ])
      expect([...session]).toEqual([...map])
      expect([session.keys(), session.values(), session.entries()]).toEqual([[...map.keys()], [...map.values()], [...map.entries()]])
      for (const step of [
        (m: { delete(key: string): unknown; set(key: string, value: unknown): unknown }) => m.delete('a'),
        (m: { delete(key: string): unknown }) => m.delete('missing'),
        (m: { set(key: string, value: unknown): unknown }) => void m.set('c', 3),
      ]) {
        expect(step(session as never)).toEqual(step(map as never))
        expect(session.size).toBe(map.size)
        expect([...session]).toEqual([...map])
      }
      const seen: unknown[] = []
      session.forEach((value, key) => seen.push([key, value]))
      expect(seen).toEqual([...map])
      session.clear()
      expect([session.size, session.get('b'), session.has('c')]).toEqual([0, undefined, false])
    })
    expect((await visitor.visit((session) => [...session])).result).toEqual([])
    await close()
  })

  it('S2.4 S2.5 nested mutation is saved, and a read is not', async () => {
    const { sessions, close } = backend.setup()
    const visitor = new Visitor(sessions)
    await visitor.visit((session) => session.set('cart', [1]).set('when', new Date(0)))
    const read = await visitor.visit((session) => [session.get('cart'), session.get('when')])
    expect(read.outgoing).toMatchObject({ outcome: 'untouched', setCookies: [] })
    const { outgoing } = await visitor.visit((session) => void (session.get('cart') as number[]).push(2))
    expect(outgoing.outcome).toBe('stored')
    expect((await visitor.visit((session) => session.get('cart'))).result).toEqual([1, 2])
    await visitor.visit((session) => {
      const cart = [3]
      session.set('cart', cart)
      cart.push(4)
      const list = session.update('list', (list) => [...((list as number[]) ?? []), 1]) as number[]
      list.push(2)
    })
    expect((await visitor.visit((session) => [session.get('cart'), session.get('list')])).result).toEqual([
      [3, 4],
      [1, 2],
    ])
    await close()
  })

  it('S2.6 S0.5 a malformed Cookie header is an empty session', async () => {
    const { sessions, store, close } = backend.setup()
    for (const cookie of [
      '',
      ';',
      '=',
      ';;;',
      '__Host-session',
      '__Host-session=',
      '__Host-session=;x',
      'x'.repeat(5_000),
      `__Host-session=${'A'.repeat(5_000)}`,
    ]) {
      const visit = sessions.visit({ method: 'GET', header: (name) => (name === 'cookie' ? cookie : undefined) })
      expect((await visit.session()).isNew).toBe(true)
      expect(await visit.commit()).toMatchObject({ outcome: 'untouched', setCookies: [] })
    }
    expect(store?.calls ?? []).toEqual([])
    await close()
  })

  it('S2.8 an emptied session keeps its id and lifetime', async () => {
    const { sessions, close } = backend.setup()
    const visitor = new Visitor(sessions)
    const { result: id } = await visitor.visit((session) => (session.set('a', 1), session.id))
    await visitor.visit((session) => session.clear())
    expect((await visitor.visit((session) => [session.id, session.isNew, session.size])).result).toEqual([id, false, 0])
    await close()
  })
})

describe.each(stored)('S2 on $name', (backend) => {
  it('S2.3 R5 a store that lost its rows gives a clean new session, and the browser recovers', async () => {
    const { sessions, store, close } = backend.setup()
    const visitor = new Visitor(sessions)
    const { result: id } = await visitor.visit((session) => (session.set('a', 1), session.id))
    await store?.delete(id)
    const { result, outgoing } = await visitor.visit((session) => [session.isNew, session.get('a')])
    expect([result, outgoing.setCookies]).toEqual([[true, undefined], []])
    await visitor.visit((session) => session.set('a', 2))
    expect((await visitor.visit((session) => session.get('a'))).result).toBe(2)
    await close()
  })

  it('S2.9 R-03 R14 reading slides the idle timeout of 3 h at most once a minute, without rewriting data', async () => {
    const { sessions, store, advance, close } = backend.setup({ lifetime: { idle: '3h', absolute: '7d' } })
    const visitor = new Visitor(sessions)
    await visitor.visit((session) => session.set('a', 1))
    for (let i = 0; i < 5; i++) {
      advance(2 * 3_600_000)
      store?.calls.splice(0)
      const { outgoing } = await visitor.visit((session) => session.get('a'))
      expect([outgoing.outcome, outgoing.setCookies, store?.calls]).toEqual(['slid', [], ['get', 'touch']])
      advance(59_000)
      store?.calls.splice(0)
      expect((await visitor.visit((session) => session.get('a'))).outgoing.outcome).toBe('untouched')
      expect(store?.calls).toEqual(['get'])
    }
    advance(3 * 3_600_000 + 1)
    expect((await visitor.visit((session) => session.isNew)).result).toBe(true)
    await close()
  })

  it('S2.10 R-03 S4.3 a slow reader and parallel writers of different keys: all writes stay', async () => {
    const { sessions, close } = backend.setup({ lifetime: { touchEvery: 0 } })
    const visitor = new Visitor(sessions)
    await visitor.visit((session) => session.set('a', 0).set('b', 0))
    const [reader, one, two] = await Promise.all([visitor.begin(), visitor.begin(), visitor.begin()])
    reader.session.get('a')
    one.session.set('a', 1)
    two.session.set('b', 2)
    await Promise.all([one.finish(), two.finish()])
    await reader.finish()
    expect((await visitor.visit((session) => [session.get('a'), session.get('b')])).result).toEqual([1, 2])
    await close()
  })
})

it('S2.7 T-01 twenty thousand ids and secrets through the public API: fixed length, no duplicate', async () => {
  const seen = new Set<string>()
  const sessions = createSessions({ secret, store: memoryStore() })
  const tokens: string[] = []
  for (let i = 0; i < 20_000; i++) {
    const visit = sessions.visit({ method: 'GET', header: () => undefined })
    const session = await visit.session()
    session.set('a', 1)
    tokens.push((await visit.commit()).setCookies[0]?.split(/[=;]/)[1] ?? '')
  }
  for (const token of tokens) {
    expect(token).toHaveLength(100)
    seen.add(token.slice(8, 32))
    seen.add(token.slice(32, 76))
  }
  expect(seen.size).toBe(2 * tokens.length)
  await sessions.close()
})
