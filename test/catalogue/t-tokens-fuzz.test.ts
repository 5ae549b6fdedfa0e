/** Forged tokens, the short way; `npm run test:gate` has half a million mutations of each format. */
import { describe, expect, it } from 'vitest'
import { attack, attackHeader, genuineOpens, mutations } from '../gate/tokens.ts'
import { flips, suffixes, target, targets, truncations, type Format } from '../support/forgery.ts'
import { Dice } from '../support/random.ts'

const seed = Date.now() % 1_000_000
const all = await targets()
const formats: readonly Format[] = ['ticket', 'sealed token', 'sealed copy of a spill', 'ticket of a spill']

describe.each(all)('$name', (one) => {
  it('C-01 every bit of every byte flipped, in name and value: none accepted, none thrown, no store call', async () => {
    const { tried, problems } = await attackHeader(one)
    expect(tried).toBeGreaterThanOrEqual(800)
    expect(problems).toEqual([])
  })

  it('C-08 every truncation and every suffix of one or two bytes opens nothing: one spelling for each token', async () => {
    const [token] = one.genuine
    const cut = await attack(one, truncations(token))
    const suffixed = await attack(one, suffixes(token))
    expect([...cut.problems, ...suffixed.problems]).toEqual([])
    expect([cut.tried, suffixed.tried > 65_000]).toEqual([2 * token.length, true])
  })

  it(`T-09 20,000 random mutations, version, kid, day, case, splices: none accepted, none thrown (seed ${seed})`, async () => {
    const { tried, problems } = await attack(one, mutations(new Dice(seed), one, 20_000))
    expect(problems).toEqual([])
    expect(tried).toBe(20_000)
  })

  it('T-09 and the genuine tokens open', async () => {
    expect(await genuineOpens(one)).toBe(true)
  })
})

describe.each(formats)('%s', (format) => {
  it('T-08 a token of another application, cookie or secret opens nothing', async () => {
    const here = await target(format, 'cookie')
    const strangers = [
      await target(format, 'cookie', { app: 'another' }),
      await target(format, 'cookie', { secret: 'another secret of more than 32 bytes' }),
      await target(format, 'header'),
    ]
    for (const stranger of strangers) {
      expect(await genuineOpens(stranger)).toBe(true)
      for (const token of stranger.genuine) expect(await here.opens(token)).toBe(false)
    }
    expect(await genuineOpens(here)).toBe(true)
  })
})

it('T-08 T-09 a ticket is no sealed token and a sealed token no ticket, under whichever version', async () => {
  const [ticket, sealed] = [await target('ticket', 'cookie'), await target('sealed token', 'cookie')]
  for (const [here, there] of [
    [ticket, sealed],
    [sealed, ticket],
  ] as const) {
    const [own] = here.genuine
    for (const token of there.genuine)
      for (const text of [token, own.slice(0, 2) + token.slice(2)]) expect(await here.opens(text)).toBe(false)
    const versions = Array.from({ length: 256 * 256 }, (_, n) => String.fromCharCode(n >> 8, n & 255) + own.slice(2))
    expect(await attack(here, versions)).toEqual({ tried: 256 * 256 - 1, problems: [] })
  }
})

it('C-01 and the attack does find a target that accepts a flipped bit, throws or asks its store', async () => {
  const [one] = all
  if (one === undefined) throw new Error('there is a target')
  const [token] = one.genuine
  const lax = { ...one, opens: async (text: string) => one.opens(text.replace(/.$/, token.slice(-1))) }
  expect((await attack(lax, flips(token))).problems.length).toBeGreaterThan(0)
  const throwing = { ...one, opens: () => Promise.reject(new Error('not base64')) }
  expect((await attack(throwing, flips(token))).problems.length).toBeGreaterThan(0)
  const calls: string[] = []
  const asking = { ...one, storeCalls: calls, opens: async () => (calls.push('get'), false) }
  expect((await attack(asking, flips(token))).problems).toHaveLength(1)
})
