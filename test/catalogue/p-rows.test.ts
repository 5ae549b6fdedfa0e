import { serialize } from 'node:v8'
import { describe, expect, it } from 'vitest'
import { createSessions, type StoredRow } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { secret, stored } from '../support/backends.ts'
import { holder, listener } from '../support/raw.ts'
import { Visitor } from '../support/visitor.ts'

type Mangled = readonly [string, (row: StoredRow) => unknown]

const junkBodies: readonly string[] = [
  'null',
  '[]',
  '42',
  '"text"',
  '{}',
  '{"v":1}',
  '{"user":"admin","cart":[]}',
  'O:8:"stdClass":1:{s:5:"admin";b:1;}',
  '\x80\x04\x95\x10\x00}\x94(X',
  '\xac\xed\x00\x05sr',
  '{"rce":"_$$ND_FUNC$$_function (){}()"}',
  '!!js/function "x"',
  'eyJhbGciOiJub25lIn0.e30.',
  serialize({ a: 1 }).toString('latin1'),
  '{"v":1,',
  '\n\n\n',
  'x'.repeat(70_000),
  '['.repeat(200_000),
]

const mangled: readonly Mangled[] = [
  ...junkBodies.map((body): Mangled => [JSON.stringify(body.slice(0, 30)), (row) => ({ ...row, body })]),
  ['a body of an older format', (row) => ({ ...row, body: row.body.replace('"v":1', '"v":0') })],
  ['a body of a newer format', (row) => ({ ...row, body: row.body.replace('"v":1', '"v":2') })],
  ['more lines than keys', (row) => ({ ...row, body: `${row.body}\n1` })],
  ['fewer lines than keys', (row) => ({ ...row, body: row.body.slice(0, row.body.lastIndexOf('\n')) })],
  ['keys that are no texts', (row) => ({ ...row, body: row.body.replace('"keys":["mine"]', '"keys":[1]') })],
  ['a time that is text', (row) => ({ ...row, body: row.body.replace(/"created":\d+/, '"created":"now"') })],
  ['a body of bytes', (row) => ({ ...row, body: Buffer.from(row.body) })],
  ['no expiry', (row) => ({ ...row, expiresAt: undefined })],
  ['an expiry that is not a number', (row) => ({ ...row, expiresAt: Number.NaN })],
  ['an expiry that is text', (row) => ({ ...row, expiresAt: '9999999999999' })],
  ['an owner that is not text', (row) => ({ ...row, user: { admin: true } })],
  ['an empty object', () => ({})],
  ['a list', () => [1, 2]],
  ['a number', () => 42],
  ['undefined', () => undefined],
]

describe.each(mangled)('a row replaced by %s', (_name, mangle) => {
  it('P-05 is no session and no exception, and the visitor can go on', async () => {
    const { onEvent, rejections } = listener()
    const store = memoryStore()
    let broken = false
    const get = store.get.bind(store)
    const sessions = createSessions({
      secret,
      store: { ...store, get: async (id: string) => mangleWhen(broken, await get(id), mangle), getNow: undefined } as never,
      onEvent,
    })
    const { visitor, id } = await holder(sessions)
    broken = true
    expect((await visitor.clone().visit((session) => [session.isNew, session.size, session.user])).result).toEqual([true, 0, null])
    expect(rejections().every((why) => why === 'unreadable' || why === 'absent')).toBe(true)
    expect(await sessions.peek(visitor.cookie)).toBeNull()
    expect(await sessions.revoke(id)).toBe(false)
    await sessions.close()
  })
})

function mangleWhen(broken: boolean, row: StoredRow | null, mangle: (row: StoredRow) => unknown): unknown {
  return broken && row !== null ? mangle(row) : row
}

describe.each(stored)('one damaged value on $name', (backend) => {
  it('P-05 it is absent and an event; the others, and every way to go on, work', async () => {
    const { onEvent, events } = listener()
    const { sessions, store, close } = backend.setup({
      onEvent,
      schema: { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: value as Record<string, unknown> }) } },
    })
    if (store === null) throw new Error('this backend has a store')
    const visitor = new Visitor(sessions)
    const { result: id } = await visitor.visit((session) => {
      session.signIn('ada')
      return session.set('bad', 'DAMAGED').set('good', 1).id
    })
    const damage = async (): Promise<void> => {
      const row = await store.get(id)
      if (row === null) throw new Error('the row is gone')
      await store.put({ ...row, body: row.body.replace('"DAMAGED"', '{"$eval":1}') }, row.version)
    }
    await damage()
    events.splice(0)
    expect((await visitor.visit((session) => [session.get('bad'), session.get('good'), session.user])).result).toEqual([
      undefined,
      1,
      'ada',
    ])
    expect(events).toContainEqual({ type: 'rejected', name: 'session', why: 'unreadable', id })
    expect((await sessions.list('ada')).map((info) => [info.get('bad'), info.get('good')])).toEqual([[undefined, 1]])
    expect((await visitor.visit((session) => session.take('bad'))).result).toBeUndefined()
    for (const repair of ['set', 'update'] as const) {
      await visitor.visit((session) => session.set('bad', 'DAMAGED'))
      await damage()
      const { outgoing } = await visitor.visit(
        (session) => void (repair === 'set' ? session.set('bad', 2) : session.update('bad', (value) => value ?? 2)),
      )
      expect(outgoing.outcome).toBe('stored')
      expect((await visitor.visit((session) => session.toJSON())).result).toEqual({ good: 1, bad: 2 })
    }
    await close()
  })
})
