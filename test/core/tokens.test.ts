import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createCsrfTokens } from '../../src/core/csrf-token.ts'
import { createRing } from '../../src/core/keys.ts'
import { createComparison } from '../../src/core/mac.ts'
import { createSeals } from '../../src/core/seal.ts'
import { createTickets, hashOf, mintId, mintSecret } from '../../src/core/ticket.ts'
import { Ties } from '../../src/http/ties.ts'
import { secret } from '../support/backends.ts'

const dayMs = 86_400_000
const now = 1_800_000_000_000
const ring = createRing(secret, '\nx')

describe('tickets', () => {
  const tickets = createTickets(ring)

  it('are a hundred url-safe characters that say who and what, and read back', () => {
    for (let i = 0; i < 200; i++) {
      const [id, own] = [mintId(randomBytes), mintSecret(randomBytes)]
      const ticket = tickets.write(id, own)
      expect(ticket).toMatch(/^t1[\w-]{98}$/)
      expect(tickets.read(ticket)).toEqual({ id, secret: own, secretHash: hashOf(own), stale: false })
    }
  })

  it('C-08 have one spelling: every other last character, and every cut or addition, is refused', () => {
    const ticket = tickets.write(mintId(randomBytes), mintSecret(randomBytes))
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=%. '
    for (const at of [7, 31, 75, 99]) {
      for (const char of alphabet) {
        const other = ticket.slice(0, at) + char + ticket.slice(at + 1)
        if (other !== ticket) expect(tickets.read(other)).toBeTypeOf('string')
      }
    }
    for (let length = 0; length < 100; length++) expect(tickets.read(ticket.slice(0, length))).toBe('malformed')
    for (const suffix of ['=', 'A', '%20', '.', ' ', '==', '\n', '\0']) expect(tickets.read(ticket + suffix)).toBe('malformed')
  })

  it('tell a forgery from a foreign key and from junk, for the counters', () => {
    const foreign = createTickets(createRing('another secret of more than 32 bytes: 0123456789', '\nx')).write(
      mintId(randomBytes),
      mintSecret(randomBytes),
    )
    expect([tickets.read(foreign), tickets.read(`t1${ring.newest.kid}${'A'.repeat(92)}`), tickets.read('')]).toEqual([
      'unknown_key',
      'forged',
      'malformed',
    ])
  })
})

describe('seals', () => {
  const seals = createSeals(ring, randomBytes, 7 * dayMs)

  it('C-08 pad to one spelling, and give back every text as it was', () => {
    for (const text of ['', 'a', 'ab', 'abc', 'é', '{"a":1}', ...Array.from({ length: 60 }, (_, i) => 'x'.repeat(i * 49))]) {
      const token = seals.write(text, now)
      expect([token.length % 4, /^s1[\w-]+$/.test(token)]).toEqual([0, true])
      expect(seals.read(token, now)).toEqual({ text, stale: false })
      const last = token.at(-1) ?? ''
      for (const char of 'ABCDwxyz0189-_') if (char !== last) expect(seals.read(token.slice(0, -1) + char, now)).toBe('forged')
    }
  })

  it('C-08 are refused in every other spelling that a decoder would forgive', () => {
    let spellings = 0
    for (let i = 0; i < 20; i++) {
      const token = seals.write('x'.repeat(200), now)
      const others = [
        token.replaceAll('-', '+'),
        token.replaceAll('_', '/'),
        `${token}====`,
        `${token}!!!!`,
        `${token.slice(0, 60)}\n\n\n\n${token.slice(60)}`,
        `${token.slice(0, 60)}    ${token.slice(60)}`,
      ]
      for (const other of others) {
        if (other === token) continue
        spellings++
        expect(seals.read(other, now)).toBe('malformed')
      }
    }
    expect(spellings).toBeGreaterThan(100)
  })

  it('L-05 L-07 are read from a day ahead until their longest life is over, and never of other days', () => {
    const token = seals.write('text', now)
    for (const days of [-1, 0, 1, 7, 8]) expect(seals.read(token, now + days * dayMs)).toMatchObject({ text: 'text' })
    for (const days of [-2, -400, 9, 400, 30_000]) expect(seals.read(token, now + days * dayMs)).toBe('malformed')
  })

  it('D-02 cost no key for a day that is out of range', () => {
    let derived = 0
    const counting = {
      byKid: new Map([[ring.newest.kid, { kid: ring.newest.kid, derive: (purpose: string) => (derived++, ring.newest.derive(purpose)) }]]),
      newest: ring.newest,
    }
    const counted = createSeals(counting, randomBytes, 7 * dayMs)
    for (let day = 0; day < 2_000; day++) {
      const bytes = Buffer.from([0, day >> 8, day & 255]).toString('base64url')
      counted.read(`s1${ring.newest.kid}${bytes}${'A'.repeat(60)}`, now)
    }
    expect(derived).toBe(0)
  })
})

it('T-07 kids name secrets without saying anything of them, and scopes and purposes give other keys', () => {
  const other = createRing(secret, '\ny')
  expect(other.newest.kid).toBe(ring.newest.kid)
  expect(secret).not.toContain(ring.newest.kid)
  const keys = [
    ring.newest.derive('ticket'),
    ring.newest.derive('seal 1'),
    other.newest.derive('ticket'),
    createRing(`${secret}!`, '\nx').newest.derive('ticket'),
  ]
  expect(new Set(keys.map((key) => key.export().toString('hex'))).size).toBe(4)
})

it('T-05 S0.12 comparing looks at length and every byte', () => {
  const same = createComparison(4)
  expect(['abcd', 'abce', 'bbcd', 'abc', 'abcde', ''].map((text) => same('abcd', text))).toEqual([true, false, false, false, false, false])
  expect([same('', ''), same('abc', 'abc'), same('abcde', 'abcde')]).toEqual([false, false, false])
})

it('T-08 tickets, form tokens, seals and ties have a key each', () => {
  const purposes: string[] = []
  const { newest } = createRing(secret, '\nx')
  const watched = { kid: newest.kid, derive: (purpose: string) => (purposes.push(purpose), newest.derive(purpose)) }
  const ring = { newest: watched, byKid: new Map([[newest.kid, watched]]) }
  createTickets(ring)
  createCsrfTokens(ring, randomBytes)
  createSeals(ring, randomBytes, 86_400_000).write('text', 0)
  expect(new Ties([], ring, { clock: () => 0, random: randomBytes })).toBeInstanceOf(Ties)
  expect(purposes).toEqual(['ticket', 'csrf', 'seal 0', 'tie'])
})
