/** R-02, R1: a session that is over stays over, whoever was under way. */
import { describe, expect, it } from 'vitest'
import type { Session } from '../../src/index.ts'
import { engines } from '../support/engines.ts'
import { Visitor } from '../support/visitor.ts'

type Any = Record<string, unknown>

const hourMs = 3_600_000
const saves: readonly (readonly [string, (session: Session<Any>) => unknown])[] = [
  ['set', (session) => session.set('a', 2)],
  ['update', (session) => session.update('a', () => 2)],
  ['changed in place', (session) => (session.get('list') as number[]).push(2)],
  ['flash', (session) => session.flash('hello')],
  ['rotate', (session) => session.rotate()],
  ['take', (session) => session.take('a')],
  ['take, then set', async (session) => [await session.take('a'), session.set('a', 2)]],
  ['flashes, then set', async (session) => [await session.flashes(), session.set('a', 2)]],
  ['nothing, which only moves the idle timeout', () => {}],
]

async function begun() {
  const setup = engines({ lifetime: { idle: '1h', absolute: '3h' } })
  const visitor = new Visitor(setup.one)
  const { result: id } = await visitor.visit((session) => {
    session.set('a', 1).set('list', [1])
    session.flash('welcome')
    session.signIn('ada')
    return session.id
  })
  setup.advance(5 * 60_000)
  const slow = await visitor.clone().begin()
  return { ...setup, visitor, id, slow }
}

const ends: readonly (readonly [string, (setup: Awaited<ReturnType<typeof begun>>) => unknown])[] = [
  ['destroy, here', ({ visitor }) => visitor.clone().visit((session) => session.destroy())],
  ['destroy, elsewhere', ({ two, visitor }) => new Visitor(two, visitor.jar).visit((session) => session.destroy())],
  ['revoke', ({ two, id }) => two.revoke(id)],
  ['revokeUser', ({ two }) => two.revokeUser('ada')],
  ['the idle timeout', ({ advance }) => advance(hourMs + 1)],
  ['the absolute timeout', ({ advance }) => advance(3 * hourMs + 1)],
]

describe.each(ends)('R1 against %s', (_, end) => {
  it.each(saves)('R-02 a slow request loses that would %s', async (_, save) => {
    const setup = await begun()
    const { slow, store, id, visitor, one, two } = setup
    await end(setup)
    await save(slow.session)
    const outgoing = await slow.finish()
    expect(outgoing.setCookies).toEqual([])
    expect(['gone', 'untouched']).toContain(outgoing.outcome)
    await slow.settled()
    for (const sessions of [one, two]) expect(await sessions.peek(visitor.cookie)).toBeNull()
    expect(await one.list('ada')).toEqual([])
    const row = await store.get(id)
    expect(row === null || row.expiresAt < 1_800_000_000_000 + hourMs + 1).toBe(true)
  })

  it('R-02 edits made after the headers lose as well, one after the other', async () => {
    const setup = await begun()
    const { slow, store, id, visitor, one } = setup
    slow.session.set('a', 2)
    await slow.finish()
    await end(setup)
    for (const value of [3, 4]) {
      slow.session.set('a', value)
      await Promise.resolve()
    }
    await slow.settled()
    slow.session.set('a', 5)
    await slow.settled()
    expect(await one.peek(visitor.cookie)).toBeNull()
    const row = await store.get(id)
    expect(row === null || !row.body.endsWith('\n5')).toBe(true)
  })

  it('R-02 a slow sign-in is given a session of its own, and the one that ended stays dead', async () => {
    const setup = await begun()
    const { slow, store, id, visitor, one, events } = setup
    await end(setup)
    const before = visitor.clone()
    slow.session.signIn('ada')
    expect((await slow.finish()).outcome).toBe('stored')
    expect(slow.session.id).not.toBe(id)
    expect(await one.peek(before.cookie)).toBeNull()
    expect((await one.list('ada')).map((info) => info.id)).toEqual([slow.session.id])
    expect(events.filter(({ type }) => type === 'created')).toHaveLength(2)
    expect((await store.get(id))?.user ?? null).not.toBe('grace')
  })
})

it('R-02 an end that comes while the write is on its way wins, and no cookie is given', async () => {
  const { slow, store, two, id, visitor, one } = await begun()
  const put = store.hold('put', 'before')
  slow.session.set('a', 2)
  slow.session.rotate()
  const finished = slow.finish()
  await put.reached
  await two.revoke(id)
  put.release()
  expect(await finished).toMatchObject({ outcome: 'gone', setCookies: [] })
  await slow.settled()
  expect([await store.get(id), await one.peek(visitor.cookie)]).toEqual([null, null])
})

it('R-02 a late write that is on its way when the session ends revives nothing, nor does the one behind it', async () => {
  const { slow, store, two, id } = await begun()
  await slow.finish()
  const put = store.hold('put', 'before')
  slow.session.set('a', 2)
  await put.reached
  slow.session.set('a', 3)
  await two.revoke(id)
  put.release()
  await slow.settled()
  expect(await store.get(id)).toBeNull()
})

it('R-02 R-03 a touch never brings back what ended, and never moves an end forward', async () => {
  const { slow, store, two, id, advance } = await begun()
  const touch = store.hold('touch', 'before')
  const finished = slow.finish()
  await touch.reached
  await two.revoke(id)
  touch.release()
  expect((await finished).setCookies).toEqual([])
  advance(1)
  expect(await store.get(id)).toBeNull()
})

it('H-10 S3.6 signing out with a cookie that opens nothing any more still makes the browser forget it', async () => {
  const { one } = engines()
  const visitor = new Visitor(one)
  expect((await visitor.visit((session) => session.destroy())).outgoing.setCookies).toEqual([])
  await visitor.visit((session) => session.set('a', 1))
  const tab = visitor.clone()
  await visitor.visit((session) => session.destroy())
  expect((await tab.visit((session) => session.destroy())).outgoing.setCookies).toEqual([expect.stringContaining('Max-Age=0')])
  expect(tab.cookie).toBe('')
})

it('R-07 H-09 a value that is changed in place after the headers is stored before the response ends', async () => {
  const { one } = engines()
  const visitor = new Visitor(one)
  await visitor.visit((session) => session.set('list', [1]))
  const { session, finish, settled } = await visitor.begin()
  const list = session.get('list') as number[]
  await finish()
  list.push(2)
  await settled()
  expect((await one.peek(visitor.cookie))?.get('list')).toEqual([1, 2])
})
