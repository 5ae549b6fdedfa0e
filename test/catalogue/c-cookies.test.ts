import { describe, expect, it } from 'vitest'
import { createRing } from '../../src/core/keys.ts'
import { createSeals } from '../../src/core/seal.ts'
import { createTickets } from '../../src/core/ticket.ts'
import { randomBytes } from 'node:crypto'
import { all, sealed, secret, spill } from '../support/backends.ts'
import { cookieName, holder, listener, request } from '../support/raw.ts'
import { Visitor } from '../support/visitor.ts'

const pair = (token: string): string => `${cookieName}=${token}`
const bothOrders = (a: string, b: string): string[] => [`${pair(a)}; ${pair(b)}`, `${pair(b)}; ${pair(a)}`]
const ring = createRing(secret, `\n${cookieName}`)

const forged = (i: number): string => `t1${ring.newest.kid}${String(i).padStart(92, 'A')}`
const sent = (count: number): string => Array.from({ length: count }, (_, i) => pair(forged(i))).join('; ')

describe.each(all)('cookies on $name', (backend) => {
  it('C-02 garbage beside the genuine cookie never hides it, in either order', async () => {
    const { sessions, close } = backend.setup()
    const { token } = await holder(sessions)
    const flipped = token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A')
    const garbage = [
      'junk',
      '',
      '"',
      token.slice(1),
      `${token}A`,
      flipped,
      't1',
      's1',
      `s1${'A'.repeat(98)}`,
      `t1${'A'.repeat(98)}`,
      `t9${token.slice(2)}`,
    ]
    for (const cookie of garbage.flatMap((one) => bothOrders(token, one))) {
      expect((await request(sessions, cookie)).values, cookie.slice(0, 60)).toEqual({ mine: 1 })
    }
    const three = ['x', `s1${'B'.repeat(98)}`, flipped].map(pair).join('; ')
    for (const cookie of [`${three}; ${pair(token)}`, `${pair(token)}; ${three}`])
      expect((await request(sessions, cookie)).opened).toBe(true)
    await close()
  })

  it.each([2, 5, 200])('C-02 %i copies of the genuine cookie are one', async (copies) => {
    const { sessions, close } = backend.setup()
    const { token } = await holder(sessions)
    expect((await request(sessions, Array.from({ length: copies }, () => pair(token)).join('; '))).values).toEqual({ mine: 1 })
    await close()
  })

  it('C-02 two different genuine cookies open nothing in either order, and are an event', async () => {
    const { onEvent, rejections } = listener()
    const { sessions, close } = backend.setup({ onEvent })
    const [one, two] = [await holder(sessions, 1), await holder(sessions, 2)]
    rejections()
    for (const cookie of bothOrders(one.token, two.token)) {
      expect(await request(sessions, cookie)).toMatchObject({ opened: false, outgoing: { outcome: 'untouched', setCookies: [] } })
      expect(rejections()).toEqual(['ambiguous'])
    }
    await close()
  })

  it('C-02 D-02 at most four candidates are checked, however many come', async () => {
    const { onEvent, rejections } = listener()
    const { sessions, store, close } = backend.setup({ onEvent })
    for (const count of [1, 4]) {
      expect((await request(sessions, sent(count))).opened).toBe(false)
      expect(rejections()).toHaveLength(count)
    }
    for (const count of [5, 200]) {
      expect((await request(sessions, sent(count))).opened).toBe(false)
      expect(rejections()).toEqual(['ambiguous'])
    }
    expect(store?.calls ?? []).toEqual([])
    await close()
  })

  it('C-07 junk of every length opens nothing and reaches no store', async () => {
    const { sessions, store, close } = backend.setup()
    for (const length of [0, 1, 2, 99, 100, 101, 4_081, 4_096, 4_097, 8_192, 16_384, 65_536, 1_048_576]) {
      for (const prefix of ['', 't1', `t1${ring.newest.kid}`, `s1${ring.newest.kid}`]) {
        const { opened, outgoing } = await request(sessions, pair(prefix.padEnd(length, 'A').slice(0, length)))
        expect([opened, outgoing.setCookies]).toEqual([false, []])
      }
    }
    expect(store?.calls ?? []).toEqual([])
    await close()
  })

  it('C-11 no byte and no broken text in a token is read, and none throws', async () => {
    const { sessions, close } = backend.setup()
    const { token } = await holder(sessions)
    const bytes = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code))
    const odd = [
      ...bytes.filter((char) => !/[;\w-]/.test(char)),
      '\ud800',
      '\udfff',
      '\u00a0',
      '\ufeff',
      '\u3000',
      'Ã©',
      '\u{1f36a}',
      'A\u0301',
    ]
    for (const char of odd) {
      for (const value of [char + token, token + char, token.slice(0, 50) + char + token.slice(51)]) {
        expect((await request(sessions, pair(value))).opened, JSON.stringify(char)).toBe(false)
      }
    }
    await close()
  })

  it('C-12 a persistent cookie lives at most 400 days, also when the clock is behind the session', async () => {
    const { sessions, advance, close } = backend.setup({
      lifetime: { idle: '20d', absolute: backend.carrier === 'stored' ? '400d' : '30d', persistent: true },
    })
    const { visitor } = await holder(sessions)
    const daysMax = backend.carrier === 'stored' ? 400 : 30
    for (const ms of [0, -60_000, -4 * 60_000]) {
      advance(ms)
      const { outgoing } = await visitor.visit((session) => session.rotate())
      expect(outgoing.outcome).toBe('stored')
      const maxAge = Number(/; Max-Age=(\d+)/.exec(outgoing.setCookies[0] ?? '')?.[1])
      expect(maxAge).toBeGreaterThan((daysMax - 1) * 86_400)
      expect(maxAge).toBeLessThanOrEqual(daysMax * 86_400)
    }
    await close()
  })

  it('C-13 several Cookie lines and crumbs are all read, a comma is data', async () => {
    const { sessions, close } = backend.setup()
    const { token } = await holder(sessions)
    const lines = ['a=1', pair(token), 'b=2']
    const found = [
      { cookie: lines },
      { headers: { cookie: lines } },
      { cookie: lines.join('; ') },
      { cookie: lines.join(';') },
      lines.join(';\t '),
    ]
    for (const headers of found) expect((await sessions.peek(headers))?.get('mine')).toBe(1)
    const joined = [lines.join(', '), lines.join(','), `a=1, ${pair(token)}`, `${pair(token)}, a=1`]
    for (const cookie of joined) expect(await sessions.peek(cookie)).toBeNull()
    await close()
  })

  it('C-09 every cookie we set carries an explicit SameSite', async () => {
    const { sessions, close } = backend.setup()
    const visitor = new Visitor(sessions)
    const set = await visitor.visit((session) => session.set('a', 1))
    const gone = await visitor.visit((session) => session.destroy())
    for (const { outgoing } of [set, gone]) expect(outgoing.setCookies).toEqual([expect.stringContaining('; SameSite=Lax')])
    await close()
  })
})

it('C-02 a genuine ticket beside a genuine sealed copy opens nothing in either order', async () => {
  const { onEvent, rejections } = listener()
  const { sessions, close } = spill.setup({ onEvent })
  const small = await holder(sessions, 'small')
  const big = await holder(sessions, 'x'.repeat(5_000))
  expect([small.token.slice(0, 2), big.token.slice(0, 2)]).toEqual(['s1', 't1'])
  rejections()
  for (const cookie of bothOrders(small.token, big.token)) {
    expect((await request(sessions, cookie)).opened).toBe(false)
    expect(rejections()).toEqual(['ambiguous'])
  }
  await close()
})

it('C-02 a sealed copy nobody can read does not hide a good one, in either order', async () => {
  const { onEvent, rejections } = listener()
  const { sessions, now, close } = sealed.setup({ onEvent })
  const { token } = await holder(sessions)
  const foreign = createSeals(ring, randomBytes, 86_400_000).write('["of another release"]', now())
  rejections()
  for (const cookie of bothOrders(token, foreign)) {
    expect((await request(sessions, cookie)).values).toEqual({ mine: 1 })
    expect(rejections()).toEqual(['unreadable'])
  }
  await close()
})

it('C-07 a sealed cookie is filled to the last byte, and refused before headers beyond it', async () => {
  const { sessions, close } = sealed.setup()
  const lengths = new Set<number>()
  let refused = 0
  for (let bytes = 2_780; bytes < 2_900; bytes++) {
    const visitor = new Visitor(sessions)
    const outgoing = await visitor
      .visit((session) => session.set('a', 'x'.repeat(bytes)))
      .then(
        (visited) => visited.outgoing,
        (error: { code: string }) => error.code,
      )
    if (outgoing === 'cookie_too_large') refused++
    else if (typeof outgoing === 'string') throw new Error(outgoing)
    else lengths.add(outgoing.setCookies[0]?.length ?? 0)
  }
  expect(Math.max(...lengths)).toBeLessThanOrEqual(4_096)
  expect(Math.max(...lengths)).toBeGreaterThan(4_092)
  expect(refused).toBeGreaterThan(10)
  await close()
})

it('C-07 a token longer than any we write is refused before it is decrypted', () => {
  const now = 1_800_000_000_000
  const seals = createSeals(ring, randomBytes, 86_400_000)
  const fits = seals.write('x'.repeat(3_000), now)
  expect(seals.read(fits, now)).toMatchObject({ text: 'x'.repeat(3_000) })
  expect(seals.read(seals.write('x'.repeat(3_100), now), now)).toBe('malformed')
  const tickets = createTickets(ring)
  expect(tickets.read(`${tickets.write('i'.repeat(24), 's'.repeat(44))}A`)).toBe('malformed')
})
