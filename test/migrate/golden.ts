/** A reader held against the ground truth of its system. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { oldCookiesOf } from '../../src/http/old-cookies.ts'
import type { MoveIn } from '../../src/index.ts'
import { flips, truncations } from '../support/forgery.ts'
import { goldenOf, nowOf, type Golden } from './golden-cases.ts'

type Values = Record<string, unknown>

/** Everything a reader gives for a raw header. */
export async function opened(reader: MoveIn, cookieHeader: string, nowMs: number) {
  const ticket = reader.verify(oldCookiesOf(cookieHeader), nowMs)
  const old = await ticket?.load()
  return ticket && old ? { identity: ticket.identity, ...old } : null
}

interface GoldenTests {
  /** A name of test/fixtures. */
  readonly file: string
  /** The reader that a case asks for. */
  readerFor(one: Golden): MoveIn
  /** Where we answer differently on purpose, and what; `config_invalid` when the reader cannot even be made. docs/moving-in.md has the reason. */
  readonly differences?: Readonly<Record<string, Values | null | 'config_invalid'>>
  /** Whether a case is cheap enough to be read some thousand times, and its cookie proves anything. Default: all. */
  readonly flipped?: (one: Golden) => boolean
  /** The library's answer as ours, where JSON has no word for it. */
  readonly asOurs?: (values: Values) => Values
}

/** Holds a reader against what the real library answered, and against every flipped bit and every cut. */
export function describeGolden({
  file,
  readerFor,
  differences = {},
  flipped = () => true,
  asOurs = (values) => values,
}: GoldenTests): void {
  const cases = goldenOf(file)

  describe("the real library's answers", () => {
    test.each(cases.map((one) => [one.id, one] as const))('M-05 %s', async (id, one) => {
      const different = differences[id]
      if (different === 'config_invalid')
        return expect(() => readerFor(one)).toThrowError(expect.objectContaining({ code: 'config_invalid' }))
      const { ok, data_is_payload, data } = one.expect
      const answer = ok ? ((data_is_payload ? one.payload : data) ?? null) : null
      const said = answer === null ? null : asOurs(answer)
      const found = await opened(readerFor(one), one.cookie_header, nowOf(one))
      expect(found?.values ?? null).toEqual(different === undefined ? said : different)
    })

    test('every difference is a case, and stands in docs/moving-in.md', () => {
      const page = readFileSync(new URL('../../docs/moving-in.md', import.meta.url), 'utf8')
      const ids = cases.map(({ id }) => id)
      for (const id of Object.keys(differences)) {
        expect(ids).toContain(id)
        expect(page.includes(`\`${id}\``), `${id} in docs/moving-in.md`).toBe(true)
      }
    })

    const genuine = cases.filter(
      (one) => one.expect.ok && differences[one.id] === undefined && one.cookie_header.length < 500 && flipped(one),
    )

    test.each(genuine.map((one) => [one.id, one] as const))(
      'M-05 M-01 %s with any bit flipped, or cut off anywhere, is none',
      (_id, one) => {
        const reader = readerFor(one)
        const read = (header: string): unknown => reader.verify(oldCookiesOf(header), nowOf(one))
        const header = one.cookie_header
        expect(read(header)).not.toBeNull()
        for (const text of [...flips(header), ...truncations(header)]) {
          if (text !== header && read(text) !== null) expect.fail(`${text} was taken`)
        }
      },
    )
  })
}

/** Integers that JSON lets no number of ours hold, as bigints; those of the fixtures are powers of two, so that nothing was lost. */
export function withBigInts(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) && !Number.isSafeInteger(value) ? BigInt(value) : value
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(withBigInts)
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withBigInts(one)]))
}

/** Objects as JSON has them, at any depth: nobody's key has become a prototype. */
export function expectPlain(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  expect(Object.getPrototypeOf(value)).toBe(Array.isArray(value) ? Array.prototype : Object.prototype)
  for (const one of Object.values(value)) expectPlain(one)
}

/** What requests may bring in place of a cookie; none of it is one, and nothing throws. */
export const junkValues: readonly string[] = [
  '',
  '.',
  '=',
  '%',
  '%E0%A4%A',
  's%3A',
  's%3A.',
  '"',
  '"quoted"',
  'a.b.c.d.e',
  '.'.repeat(5_000),
  'x'.repeat(5_000),
  'A'.repeat(1_000_000),
  '%41'.repeat(100_000),
  '\0\x01\x7f',
  'é🍪',
  'null',
  'e30=',
  'e30',
]
