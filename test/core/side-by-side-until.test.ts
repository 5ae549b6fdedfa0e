/** Until when both are kept in step, and what that costs. */
import { describe, expect, test } from 'vitest'
import { createSessions, type Sessions } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { counted, secret } from '../support/backends.ts'
import { beside, oldTwin, seenBy } from '../support/beside.ts'
import { Visitor } from '../support/visitor.ts'

type Any = Record<string, unknown>

const newSecret = 'a newer secret, also longer than 32 bytes'

describe('until when', () => {
  test('M-06 after the sunset ours go on alone, the old cookie opens nothing, and nothing is asked there', async () => {
    const { old, arrived, visitor, advance } = beside({ sunsetAt: 1_800_000_000_000 })
    const ada = await arrived()
    advance(1)
    old.calls.length = 0
    old.rows.delete('a')
    await ada.visit((session) => session.set('n', 2))
    expect(await seenBy(ada)).toBe('ada')
    expect(await seenBy(visitor())).toBe('nobody')
    await ada.visit((session) => session.destroy())
    expect(old.calls).toEqual([])
  })

  test('M-03 when dualWrite is taken away, so is what the old cookie could', async () => {
    const { old, arrived, visitor, make, advance } = beside({ ours: { lifetime: { idle: '1h', absolute: '10h' } } })
    const ada = await arrived()
    await ada.visit(() => {})
    const { dualWrite: _dualWrite, ...reader } = old.reader
    const plain = make({ moveIn: [reader] })
    expect(await seenBy(new Visitor(plain, ada.jar))).toBe('ada')
    expect(await seenBy(visitor('a', plain))).toBe('nobody')
    await new Visitor(plain, ada.jar).visit((session) => session.destroy())
    advance(3_600_000)
    expect(await seenBy(visitor('a', plain))).toBe('nobody')
  })

  test('what moved in before dualWrite was written is not kept in step, and its old cookie stays dead', async () => {
    const { old, visitor, make, sessions } = beside()
    const { dualWrite: _dualWrite, ...reader } = old.reader
    const ada = visitor('a', make({ moveIn: [reader] }))
    await ada.visit(() => {})
    await ada.visit(() => {})
    old.calls.length = 0
    expect(await seenBy(new Visitor(sessions, ada.jar))).toBe('ada')
    expect(await seenBy(visitor())).toBe('nobody')
    expect(old.calls).toEqual([])
  })

  test('T-07 while the secret of the server is being replaced; when the old one is gone, it begins anew with the old cookie', async () => {
    const { old, arrived, make } = beside()
    const ada = await arrived()
    ada.jar.delete('old')
    const both = make({ secret: [newSecret, secret] })
    await new Visitor(both, ada.jar).visit((session) => session.set('n', 2))
    expect(old.rows.get('a')).toMatchObject({ n: 2 })
    const renewed = new Visitor(both, ada.jar)
    await renewed.visit((session) => session.rotate())
    const lost = new Visitor(make({ secret: newSecret }), renewed.jar)
    expect(await seenBy(lost.clone())).toBe('nobody')
    lost.jar.set('old', 'a.good')
    expect((await lost.visit((session) => [session.user, session.get('n')])).result).toEqual(['ada', 2])
    expect(await seenBy(lost)).toBe('ada')
  })
})

describe('S3.7 what it costs', () => {
  const calls = async (sessions: Sessions<Any>, store: { calls: string[] }, visitor: Visitor): Promise<string[]> => {
    store.calls.length = 0
    await new Visitor(sessions, visitor.jar).visit((session) => session.get('n'))
    await new Visitor(sessions, visitor.jar).visit((session) => session.set('n', 7))
    await visitor.visit((session) => session.destroy())
    return store.calls.splice(0)
  }

  test('a session that has not moved in costs what it would without, but for the look of a logout', async () => {
    const { old, sessions, store } = beside()
    const plainStore = counted(memoryStore())
    const plain = createSessions<Any>({ secret, store: plainStore, clock: () => 1_800_000_000_000 })
    const [one, other] = [new Visitor(sessions), new Visitor(plain)]
    for (const visitor of [one, other]) await visitor.visit((session) => session.set('n', 1).signIn('bob'))
    const kept = await calls(sessions, store, one)
    const without = await calls(plain, plainStore, other)
    expect(kept.filter((call) => call !== 'get')).toEqual(without.filter((call) => call !== 'get'))
    expect(kept.length - without.length).toBe(1)
    expect(old.calls).toEqual([])
  })

  test('one that has, with a reader without dualWrite, nothing at all', async () => {
    const old = oldTwin()
    const { dualWrite: _dualWrite, ...reader } = old.reader
    const { sessions, store, arrived } = beside({ old: { ...old, reader } })
    const plainStore = counted(memoryStore())
    const plain = createSessions<Any>({ secret, store: plainStore, clock: () => 1_800_000_000_000 })
    const [one, other] = [await arrived(), new Visitor(plain)]
    await other.visit((session) => session.set('n', 1))
    for (const visitor of [one, other]) await visitor.visit((session) => session.rotate())
    old.calls.length = 0
    expect(await calls(sessions, store, one)).toEqual(await calls(plain, plainStore, other))
    expect(old.calls).toEqual([])
  })

  test('one that is kept in step: a look there for each request, a write and a look here for what changes, a note of its end', async () => {
    const { old, sessions, store, arrived } = beside()
    const ada = await arrived()
    await ada.visit(() => {})
    old.calls.length = 0
    expect(await calls(sessions, store, ada)).toEqual(['get', 'get', 'put', 'get', 'get', 'get', 'get', 'put', 'delete'])
    expect(old.calls).toEqual(['load', 'load', 'write', 'load', 'end', 'end'])
  })
})
