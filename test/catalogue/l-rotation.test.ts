import { describe, expect, it } from 'vitest'
import { stored } from '../support/backends.ts'
import { holder, listener } from '../support/raw.ts'

const hourMs = 3_600_000

describe.each(stored)('rotation with grace on $name', (backend) => {
  it('L-15 one to twenty requests with the old ticket inside the grace see one session and one successor', async () => {
    for (const requests of [1, 2, 20]) {
      const { sessions, close } = backend.setup()
      const { visitor } = await holder(sessions)
      const old = visitor.clone()
      const under = await Promise.all(Array.from({ length: requests }, () => old.clone().begin()))
      await visitor.visit((session) => session.rotate())
      under.forEach(({ session }, i) => session.set(`k${i}`, i))
      const ends = await Promise.all(under.map(({ finish }) => finish()))
      expect(ends.every(({ outcome, setCookies }) => outcome === 'stored' && setCookies.length === 0)).toBe(true)
      const late = await Promise.all(Array.from({ length: requests }, () => old.clone().visit((session) => session.size)))
      expect(late.map(({ result }) => result)).toEqual(Array.from({ length: requests }, () => requests + 1))
      expect((await visitor.visit((session) => session.size)).result).toBe(requests + 1)
      await close()
    }
  })

  it('L-15 R-04 twenty rotations at once have one successor', async () => {
    const { sessions, close } = backend.setup()
    const { visitor } = await holder(sessions)
    const ends = await Promise.all(Array.from({ length: 20 }, () => visitor.clone().visit((session) => session.rotate())))
    const cookies = ends.flatMap(({ outgoing }) => outgoing.setCookies)
    expect(cookies).toHaveLength(1)
    await close()
  })

  it('L-15 a lost response locks nobody out: the old ticket works until the new one has been seen', async () => {
    const { sessions, advance, close } = backend.setup({ lifetime: { idle: '12h', absolute: '24h' } })
    const { visitor } = await holder(sessions)
    const lost = visitor.clone()
    await visitor.visit((session) => session.rotate())
    advance(hourMs)
    const { result, outgoing } = await lost.visit((session) => session.get('mine'))
    expect([result, outgoing.outcome, outgoing.setCookies.length]).toEqual([1, 'stored', 1])
    expect((await lost.visit((session) => session.get('mine'))).result).toBe(1)
    await close()
  })

  it('L-15 nor does a lost response to one of many: twenty requests with the old ticket, and those after them, are all served', async () => {
    const { sessions, advance, close } = backend.setup({ lifetime: { idle: '12h', absolute: '24h' } })
    const { visitor } = await holder(sessions)
    const lost = visitor.clone()
    await visitor.visit((session) => session.rotate())
    advance(hourMs)
    const begun = await Promise.all(Array.from({ length: 20 }, () => lost.clone().begin()))
    begun.forEach(({ session }, i) => session.set(`k${i}`, i))
    const ends = await Promise.all(begun.map(({ finish }) => finish()))
    expect(ends.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 20 }, () => 'stored'))
    const after = await Promise.all(Array.from({ length: 5 }, () => lost.clone().visit((session) => session.size)))
    expect(after.map(({ result }) => result)).toEqual(Array.from({ length: 5 }, () => 21))
    await close()
  })

  it('L-15 the old ticket after its grace, when the new one was in use: somebody copied it, and the session ends', async () => {
    const { onEvent, rejections } = listener()
    const { sessions, advance, close } = backend.setup({ onEvent })
    const { visitor } = await holder(sessions)
    const thief = visitor.clone()
    await visitor.visit((session) => session.rotate({ grace: '10s' }))
    await visitor.visit((session) => session.get('mine'))
    advance(10_001)
    expect((await thief.visit((session) => session.isNew)).result).toBe(true)
    expect((await visitor.visit((session) => session.isNew)).result).toBe(true)
    expect(rejections()).toEqual(['reused', 'absent'])
    await close()
  })
})
