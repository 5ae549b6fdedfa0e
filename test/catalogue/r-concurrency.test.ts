/** Requests for one session at the same time, in one process and in two. */
import { describe, expect, it } from 'vitest'
import type { Session } from '../../src/index.ts'
import { engines } from '../support/engines.ts'
import { Visitor } from '../support/visitor.ts'

type Any = Record<string, unknown>
type Edit = (session: Session<Any>, i: number) => unknown

const count = 40
const minuteMs = 60_000

/** A session and visitors with its ticket, in turn on the one and the other engine. */
async function crowd(options: Parameters<typeof engines>[0] = {}) {
  const setup = engines(options)
  const first = new Visitor(setup.one)
  const { result: id } = await first.visit((session) => session.set('n', 0).set('list', []).set('nested', { a: 0, b: 0 }).id)
  const tab = (i: number): Visitor => new Visitor(i % 2 === 0 ? setup.one : setup.two, first.jar)
  return { ...setup, first, id, tab, tabs: Array.from({ length: count }, (_, i) => tab(i)) }
}

async function allAtOnce(tabs: readonly Visitor[], edit: Edit): Promise<string[]> {
  const begun = await Promise.all(tabs.map((tab) => tab.begin()))
  for (const [i, { session }] of begun.entries()) await edit(session, i)
  return Promise.all(begun.map(async ({ finish }) => (await finish()).outcome))
}

describe('R3 R-01 nothing is lost', () => {
  const edits: readonly (readonly [string, Edit, (session: Session<Any>) => unknown, unknown])[] = [
    ['each sets a key of its own', (s, i) => s.set(`k${i}`, i), (s) => s.size, count + 3],
    ['each counts', (s) => s.update('n', (n) => (n as number) + 1), (s) => s.get('n'), count],
    [
      'each appends',
      (s, i) => s.update('list', (list) => [...(list as number[]), i]),
      (s) => (s.get('list') as number[]).toSorted((a, b) => a - b),
      Array.from({ length: count }, (_, i) => i),
    ],
    [
      'each counts in its half of an object',
      (s, i) =>
        s.update('nested', (o) => ({ ...(o as object), [i % 2 ? 'a' : 'b']: (o as Record<string, number>)[i % 2 ? 'a' : 'b']! + 1 })),
      (s) => s.get('nested'),
      { a: count / 2, b: count / 2 },
    ],
    ['each leaves a message', (s, i) => s.flash(`m${i}`), async (s) => (await s.flashes()).length, count],
    [
      'each deletes its own key and counts',
      (s, i) => [s.set(`x${i}`, 1), s.delete(`x${i}`), s.update('n', (n) => (n as number) + 1)],
      (s) => [s.get('n'), s.size],
      [count, 3],
    ],
  ]
  it.each(edits)('R-01 %s', async (_, edit, read, expected) => {
    const { tabs, first } = await crowd()
    expect(new Set(await allAtOnce(tabs, edit))).toEqual(new Set(['stored']))
    expect((await first.visit(read)).result).toEqual(expected)
  })

  it('R-01 a blind set of one key: the last commit wins, with an event that names the key', async () => {
    const { tab, first, events, id } = await crowd()
    const [early, late] = [await tab(0).begin(), await tab(1).begin()]
    early.session.set('n', 'early')
    late.session.set('n', 'late')
    await late.finish()
    await early.finish()
    expect((await first.visit((session) => session.get('n'))).result).toBe('early')
    expect(events.filter(({ type }) => type === 'conflict')).toEqual([{ type: 'conflict', name: 'session', id, key: 'n' }])
  })

  it('R-01 with onConflict throw, the second is told, and nothing of it is written', async () => {
    const { tab, first, store } = await crowd({ onConflict: 'throw' })
    const [slow, other, loser] = [await tab(0).begin(), await tab(1).begin(), await tab(0).begin()]
    const put = store.hold('put', 'before')
    slow.session.set('slow', 1)
    const saved = slow.finish()
    await put.reached
    other.session.set('n', 7)
    await other.finish()
    loser.session.set('n', 8).set('loser', 1)
    const lost = loser.finish()
    put.release()
    await saved
    await expect(lost).rejects.toMatchObject({ code: 'conflict' })
    expect((await first.visit((session) => [session.get('n'), session.get('slow'), session.has('loser')])).result).toEqual([7, 1, false])
  })

  it('R-01 of parallel takes exactly one gets the value', async () => {
    const { tabs, first } = await crowd()
    await first.visit((session) => session.set('code', 'c0ffee'))
    const begun = await Promise.all(tabs.map((tab) => tab.begin()))
    const taken = await Promise.all(begun.map(({ session }) => session.take('code')))
    expect(taken.filter((value) => value !== undefined)).toEqual(['c0ffee'])
    await Promise.all(begun.map(({ finish }) => finish()))
    expect((await first.visit((session) => session.has('code'))).result).toBe(false)
  })
})

describe('R-06 two engines on one store', () => {
  it('R-06 what one has acknowledged, the other reads', async () => {
    const { first, two } = await crowd()
    for (let i = 1; i <= 50; i++) {
      await first.visit((session) => session.set('n', i))
      expect((await two.peek(first.cookie))?.get('n')).toBe(i)
    }
  })

  /** A write whose answer is slow, one of another process behind it, and a request that has seen that one. */
  async function overtaken() {
    const { tab, store, ...rest } = await crowd()
    const slow = await tab(0).begin()
    const put = store.hold('put', 'after')
    slow.session.set('n', 1).delete('list')
    const saved = slow.finish()
    await put.reached
    return { ...rest, tab, finishSlow: async () => (put.release(), saved) }
  }

  it('R-06 R-01 a set of what the process last wrote itself is written, when somebody else changed it since', async () => {
    const { tab, first, finishSlow } = await overtaken()
    await tab(1).visit((session) => session.set('n', 2))
    const next = await tab(0).begin()
    expect(next.session.get('n')).toBe(2)
    next.session.set('n', 1)
    const saved = next.finish()
    await finishSlow()
    expect((await saved).outcome).toBe('stored')
    expect((await first.visit((session) => session.get('n'))).result).toBe(1)
  })

  it('R-06 a take finds what somebody else stored meanwhile', async () => {
    const { tab, first, finishSlow } = await overtaken()
    await tab(1).visit((session) => session.set('code', 'c0ffee'))
    const next = await tab(0).begin()
    const taken = next.session.take('code')
    await finishSlow()
    expect(await taken).toBe('c0ffee')
    expect((await first.visit((session) => session.has('code'))).result).toBe(false)
  })

  it.each(['before', 'after'] as const)(
    'R-06 a ticket that another process has given meanwhile may write, %s the response',
    async (when) => {
      const { tab, finishSlow } = await overtaken()
      const other = tab(1)
      await other.visit((session) => session.rotate())
      const here = tab(0)
      here.jar.set('__Host-session', other.jar.get('__Host-session') ?? '')
      const next = await here.begin()
      if (when === 'before') next.session.set('n', 3)
      const saved = next.finish()
      await finishSlow()
      expect((await saved).outcome).toBe('stored')
      if (when === 'after') next.session.set('n', 3)
      await next.settled()
      expect((await other.visit((session) => session.get('n'))).result).toBe(3)
    },
  )
})

describe('R-07 a request of thirty seconds', () => {
  it('R2 R-07 an old snapshot is never written back', async () => {
    const { tab, first, advance } = await crowd()
    const long = await tab(0).begin()
    const before = [...long.session]
    for (let i = 1; i <= 10; i++) {
      advance(3_000)
      await tab(i).visit((session) => session.set('n', i).set(`k${i}`, i))
    }
    long.session.set('mine', 1)
    expect([...long.session].slice(0, 3)).toEqual(before)
    await long.finish()
    expect((await first.visit((session) => [session.get('n'), session.size])).result).toEqual([10, 14])
  })

  it('R-07 R-03 one that outlasts the idle timeout still lands, when others have used the session meanwhile', async () => {
    const { tab, first, advance } = await crowd({ lifetime: { idle: '1m', touchEvery: 0 } })
    const long = await tab(0).begin()
    for (let i = 0; i < 3; i++) {
      advance(minuteMs - 1)
      await tab(i).visit((session) => session.get('n'))
    }
    long.session.set('mine', 1)
    expect((await long.finish()).outcome).toBe('stored')
    expect((await first.visit((session) => session.get('mine'))).result).toBe(1)
  })

  it('R-07 edits after the response began are replayed on the newest row like all others', async () => {
    const { tab, first } = await crowd()
    const stream = await tab(0).begin()
    await stream.finish()
    for (let i = 0; i < 5; i++) {
      stream.session.update('n', (n) => (n as number) + 1)
      await tab(1).visit((session) => session.update('n', (n) => (n as number) + 1))
    }
    await stream.settled()
    expect((await first.visit((session) => session.get('n'))).result).toBe(10)
  })
})

it('R-03 a touch moves the timeout and nothing else, however many writers there are', async () => {
  const { tab, tabs, first, advance, store } = await crowd()
  const [reader, late] = [await tab(0).begin(), await tab(1).begin()]
  advance(5 * minuteMs)
  const touch = store.hold('touch', 'before')
  const read = reader.finish()
  await touch.reached
  // The other engine's: in the one whose touch is under way they would wait for it.
  await allAtOnce(
    tabs.filter((_, i) => i % 2 === 1),
    (session, i) => session.set(`k${i}`, i),
  )
  touch.release()
  expect((await read).outcome).toBe('slid')
  await late.finish()
  expect((await first.visit((session) => session.size)).result).toBe(count / 2 + 3)
})
