import { describe, expect, it } from 'vitest'
import { all, stored } from '../support/backends.ts'
import { holder, listener } from '../support/raw.ts'
import { Visitor } from '../support/visitor.ts'

const minuteMs = 60_000

describe.each(all)('values with a life of their own on $name', (backend) => {
  it('S1.5 L-05 one that is over is gone for every reader, and the next under its key has no end', async () => {
    const { sessions, advance, close } = backend.setup()
    const { visitor } = await holder(sessions)
    await visitor.visit((session) => session.set('code', 1, { ttl: '1m' }).set('count', 1, { ttl: '1m' }).set('list', [1], { ttl: '1m' }))
    advance(minuteMs)
    expect((await visitor.visit((session) => session.size)).result).toBe(4)
    advance(1)
    expect(
      (await visitor.visit((session) => [session.get('code'), session.has('count'), session.keys(), session.toJSON()])).result,
    ).toEqual([undefined, false, ['mine'], { mine: 1 }])
    const { result } = await visitor.visit((session) => [
      session.update('count', (n) => ((n as number | undefined) ?? 0) + 1),
      (session.update('list', (list) => (list as number[] | undefined) ?? []) as number[]).push(2),
      session.keys(),
    ])
    expect(result).toEqual([1, 1, ['mine', 'count', 'list']])
    advance(10 * minuteMs)
    expect((await visitor.visit((session) => session.toJSON())).result).toEqual({ mine: 1, count: 1, list: [2] })
    await close()
  })

  it('S1.5 an update, a change in place and a sign-in keep the end; a set without one takes it away', async () => {
    const { sessions, advance, close } = backend.setup()
    const { visitor } = await holder(sessions)
    await visitor.visit((session) => ['a', 'b', 'c'].forEach((key) => session.set(key, [key], { ttl: '5m' })))
    await visitor.visit((session) => {
      session.update('a', (list) => [...(list as string[]), 'more'])
      ;(session.get('b') as string[]).push('more')
      session.set('c', ['new']).signIn('ada')
    })
    expect((await visitor.visit((session) => [session.get('a'), session.get('b')])).result).toEqual([
      ['a', 'more'],
      ['b', 'more'],
    ])
    advance(5 * minuteMs + 1)
    expect((await visitor.visit((session) => session.toJSON())).result).toEqual({ mine: 1, c: ['new'] })
    await close()
  })

  it('S1.5 R-01 one that is over is no conflict for whoever sets its key', async () => {
    const { onEvent, events } = listener()
    const { sessions, advance, close } = backend.setup({ onEvent, onConflict: 'throw' })
    const { visitor } = await holder(sessions)
    await visitor.visit((session) => session.set('code', 1, { ttl: '1m' }))
    advance(minuteMs + 1)
    expect((await visitor.visit((session) => session.set('code', 2, { ttl: '1m' }))).outgoing.outcome).toBe('stored')
    expect((await visitor.visit((session) => session.get('code'))).result).toBe(2)
    advance(minuteMs - 1)
    const begun = await visitor.begin()
    begun.session.get('code')
    advance(2)
    begun.session.set('code', 3)
    expect((await begun.finish()).outcome).toBe('stored')
    expect((await visitor.visit((session) => session.get('code'))).result).toBe(3)
    expect(events.filter(({ type }) => type === 'conflict')).toEqual([])
    await close()
  })
})

it.each(stored)('S1.5 what is over leaves the row at the next write, on $name', async (backend) => {
  const { sessions, store, advance, close } = backend.setup()
  const visitor = new Visitor(sessions)
  const { result: id } = await visitor.visit((session) => session.set('code', 'CODE', { ttl: '1m' }).id)
  expect((await store?.get(id))?.body).toContain('CODE')
  advance(minuteMs + 1)
  await visitor.visit((session) => session.set('other', 1))
  expect((await store?.get(id))?.body).not.toMatch(/CODE|until/)
  await close()
})
