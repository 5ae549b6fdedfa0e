/** Rotation while other requests are under way (R-04, L-15, R4): one successor, nobody locked out, theft noticed. */
import { describe, expect, it } from 'vitest'
import type { Session } from '../../src/index.ts'
import { engines, type Engines } from '../support/engines.ts'
import { Visitor } from '../support/visitor.ts'

const graceMs = 30_000

/** A session in two engines, and a browser that shows its first ticket from both. */
async function rotated(options: Parameters<typeof engines>[0] = {}): Promise<Engines & { first: Visitor; here: Visitor; there: Visitor }> {
  const setup = engines(options)
  const first = new Visitor(setup.one)
  await first.visit((session) => session.set('n', 0))
  return { ...setup, first, here: first.clone(), there: new Visitor(setup.two, first.jar) }
}

const given = (outgoings: readonly { setCookies: readonly string[] }[]): number => outgoings.flatMap(({ setCookies }) => setCookies).length

describe.each(['in one process', 'in two'] as const)('R4 %s', (where) => {
  it.each(['30s', 0] as const)('R-04 two rotations at once have one successor, and both saves land (grace %s)', async (grace) => {
    const { here, there } = await rotated()
    const begun = await Promise.all([here.begin(), (where === 'in two' ? there : here.clone()).begin()])
    for (const { session } of begun) {
      session.rotate({ grace })
      session.update('n', (n) => (n as number) + 1)
    }
    const outgoings = await Promise.all(begun.map(({ finish }) => finish()))
    expect(outgoings.map(({ outcome }) => outcome)).toEqual(['stored', 'stored'])
    expect(given(outgoings)).toBe(1)
    for (const outgoing of outgoings) here.receive(outgoing)
    expect((await here.visit((session) => session.get('n'))).result).toBe(2)
  })

  it.each(['30s', 0] as const)(
    'R-04 a save that began before a rotation lands in the successor and is given no cookie (grace %s)',
    async (grace) => {
      const { here, there, advance } = await rotated()
      const slow = await (where === 'in two' ? there : here.clone()).begin()
      await here.visit((session) => session.rotate({ grace }))
      advance(1)
      slow.session.update('n', (n) => (n as number) + 1)
      expect(await slow.finish()).toMatchObject({ outcome: 'stored', setCookies: [] })
      expect((await here.visit((session) => session.get('n'))).result).toBe(1)
    },
  )
})

describe('L-15 grace', () => {
  it('L-15 twenty requests with the old ticket inside the grace: all succeed, all see one successor, none is given a cookie', async () => {
    const { first, here, there } = await rotated()
    await first.visit((session) => session.rotate())
    const begun = await Promise.all(
      Array.from({ length: 20 }, (_, i) => [here, there][i % 2]?.clone().begin() as ReturnType<Visitor['begin']>),
    )
    for (const { session } of begun) session.update('n', (n) => (n as number) + 1)
    const outgoings = await Promise.all(begun.map(({ finish }) => finish()))
    expect(outgoings.filter(({ outcome }) => outcome === 'stored')).toHaveLength(20)
    expect(given(outgoings)).toBe(0)
    expect((await first.visit((session) => session.get('n'))).result).toBe(20)
  })

  it('L-15 the old ticket after the grace, when the new one is in use: the session is ended, with an event', async () => {
    const { first, here, advance, events, store } = await rotated()
    await first.visit((session) => session.rotate())
    const { result: id } = await first.visit((session) => session.id)
    advance(graceMs)
    expect((await here.clone().visit((session) => session.isNew)).result).toBe(false)
    advance(1)
    expect((await here.visit((session) => session.isNew)).result).toBe(true)
    expect(events.at(-1)).toMatchObject({ type: 'rejected', why: 'reused', id })
    expect(await store.get(id)).toBeNull()
    expect((await first.visit((session) => session.isNew)).result).toBe(true)
  })

  it('L-15 a lost response locks nobody out: after the grace the old ticket is renewed, also for requests in parallel', async () => {
    const { here, there, advance } = await rotated()
    await here.clone().visit((session) => session.rotate())
    advance(graceMs + 1)
    const begun = await Promise.all([here.begin(), there.begin(), here.clone().begin()])
    for (const { session } of begun) session.update('n', (n) => (n as number) + 1)
    const outgoings = await Promise.all(begun.map(({ finish }) => finish()))
    expect(outgoings.map(({ outcome }) => outcome)).toEqual(['stored', 'stored', 'stored'])
    expect(given(outgoings)).toBe(1)
    for (const outgoing of outgoings) here.receive(outgoing)
    expect((await here.visit((session) => session.get('n'))).result).toBe(3)
  })

  it('L-15 not even responses lost one after the other', async () => {
    const { here, advance } = await rotated()
    await here.clone().visit((session) => session.rotate())
    for (let lost = 1; lost <= 4; lost++) {
      advance(graceMs + 1)
      const { result, outgoing } = await here.clone().visit((session) => session.update('n', (n) => (n as number) + 1))
      expect([result, outgoing.outcome, outgoing.setCookies.length]).toEqual([lost, 'stored', 1])
    }
  })

  it('L-15 a renewed ticket that crosses with the first successor: both responses leave the browser signed in', async () => {
    const { here, there, advance } = await rotated()
    const slow = here.clone()
    const { outgoing } = await slow.visit((session) => session.rotate({ grace: 0 }))
    advance(1)
    const renewed = await there.visit((session) => session.get('n'))
    for (const order of [
      [outgoing, renewed.outgoing],
      [renewed.outgoing, outgoing],
    ]) {
      const browser = here.clone()
      for (const one of order) browser.receive(one)
      expect((await browser.visit((session) => session.isNew)).result).toBe(false)
    }
  })

  it('L-15 who stole the old ticket and has it renewed is found out when the owner comes back', async () => {
    const { first, here: thief, advance, events } = await rotated()
    const owner = first.clone()
    await owner.visit((session) => session.rotate())
    advance(graceMs + 1)
    await thief.visit((session) => session.get('n'))
    await thief.visit((session) => session.get('n'))
    advance(graceMs + 1)
    expect((await owner.visit((session) => session.isNew)).result).toBe(true)
    expect(events.at(-1)).toMatchObject({ why: 'reused' })
    expect((await thief.visit((session) => session.isNew)).result).toBe(true)
  })

  it('L-15 R-07 a late edit after the grace lands, and does not renew a ticket that no response could carry', async () => {
    const { first, here, advance, events } = await rotated()
    await first.visit((session) => session.rotate())
    const stream = await here.begin()
    await stream.finish()
    advance(graceMs + 1)
    stream.session.set('progress', 50)
    await stream.settled()
    expect(events.filter(({ type }) => type === 'rotated')).toHaveLength(1)
    expect((await here.visit((session) => session.get('progress'))).result).toBe(50)
  })

  it('L-15 R-02 a ticket renewed by a take is not given when the session has ended before the response', async () => {
    const { here, two, advance } = await rotated()
    const { result: id } = await here.clone().visit((session) => (session.set('code', 'c0ffee').rotate(), session.id))
    advance(graceMs + 1)
    const slow = await here.begin()
    expect(await slow.session.take('code')).toBe('c0ffee')
    await two.revoke(id)
    slow.session.set('a', 1)
    expect(await slow.finish()).toMatchObject({ outcome: 'gone', setCookies: [] })
  })

  it('L-15 a request that saw the ticket in use does not vouch for the one that replaced it since', async () => {
    const { here, there, advance } = await rotated()
    await here.visit((session) => session.rotate())
    there.jar.set('__Host-session', here.jar.get('__Host-session') ?? '')
    const [slow, lost] = [await here.begin(), await there.begin()]
    lost.session.rotate()
    await lost.finish()
    slow.session.set('a', 1)
    await slow.finish()
    advance(graceMs + 1)
    expect((await here.visit((session) => session.get('a'))).result).toBe(1)
  })

  it('L-15 T-07 a ticket signed with an older key is not signed anew once another has replaced it', async () => {
    const [older, newer] = ['an older secret that has more than 32 bytes', 'a newer secret that has more than 32 bytes']
    const { here, there, again, advance } = await rotated({ secret: older })
    const today = again({ secret: [newer, older] })
    const [rotating, slow] = [new Visitor(today, here.jar), new Visitor(today, there.jar)]
    const begun = await slow.begin()
    await rotating.visit((session) => session.rotate())
    await rotating.visit((session) => session.get('n'))
    begun.session.set('a', 1)
    expect(await begun.finish()).toMatchObject({ outcome: 'stored', setCookies: [] })
    advance(graceMs + 1)
    expect((await rotating.visit((session) => session.get('a'))).result).toBe(1)
  })
})

describe('written together', () => {
  /** Three requests of one process, of which the second and third are written as one, behind the first. */
  async function together(second: (session: Session) => void, third: (session: Session) => void) {
    const { here, store, ...rest } = await rotated()
    const [first, ...others] = await Promise.all([here.clone().begin(), here.clone().begin(), here.clone().begin()])
    const [two, three] = others as [typeof first, typeof first]
    const put = store.hold('put', 'before')
    first.session.set('first', 1)
    second(two.session)
    third(three.session)
    const outgoings = [first.finish(), two.finish(), three.finish()] as const
    await put.reached
    put.release()
    return { ...rest, store, here, two, three, outgoings: await Promise.all(outgoings) }
  }

  it('R-04 a sign-in and a rotation before it: only the ticket of the sign-in is given', async () => {
    const { here, outgoings } = await together(
      (session) => session.set('a', 1).rotate(),
      (session) => session.signIn('ada'),
    )
    expect(outgoings.map(({ outcome, setCookies }) => [outcome, setCookies.length])).toEqual([
      ['stored', 0],
      ['stored', 0],
      ['stored', 1],
    ])
    for (const outgoing of outgoings) here.receive(outgoing)
    expect((await here.visit((session) => [session.user, session.get('a')])).result).toEqual(['ada', 1])
  })

  it('R-04 L-01 whoever was written with a sign-in sees nothing of it, and writes no more', async () => {
    const { two, three, here, outgoings } = await together(
      (session) => session.set('a', 1),
      (session) => session.set('balance', 1_000).signIn('ada'),
    )
    expect(outgoings[1]?.outcome).toBe('stored')
    expect([two.session.user, two.session.get('balance')]).toEqual([null, undefined])
    two.session.set('a', 2)
    await two.settled()
    expect(three.session.user).toBe('ada')
    for (const outgoing of outgoings) here.receive(outgoing)
    expect((await here.visit((session) => session.get('a'))).result).toBe(1)
  })

  it('R-02 whoever was written with the end is told that it is gone, and a value it took is nobody’s', async () => {
    const { outgoings, here, store, two } = await together(
      (session) => session.set('a', 1),
      (session) => session.destroy(),
    )
    expect(outgoings.map(({ outcome }) => outcome)).toEqual(['stored', 'gone', 'erased'])
    expect(await store.get(two.session.id)).toBeNull()
    expect((await here.visit((session) => session.isNew)).result).toBe(true)
  })
})

it.each<[string, (session: Session<Record<string, unknown>>) => void]>([
  ['sign-in', (session) => session.signIn('ada')],
  ['rotation without grace', (session) => session.rotate({ grace: 0 })],
])('R-01 S3.9 a take beside the commit of a %s gets its value, and no later edit is lost', async (_, change) => {
  const { one, advance } = engines()
  const visitor = new Visitor(one)
  await visitor.visit((session) => (session.set('code', 'x').set('n', 1), session.flash('hello')))
  const { session, finish, settled } = await visitor.begin()
  change(session)
  const [outgoing, code, flashes] = await Promise.all([finish(), session.take('code'), session.flashes()])
  expect([outgoing.outcome, code, flashes.map(({ message }) => message)]).toEqual(['stored', 'x', ['hello']])
  advance(1_000)
  session.set('n', 2)
  await settled()
  const seen = await visitor.visit((later) => [later.has('code'), later.get('n')])
  expect(seen.result).toEqual([false, 2])
})
