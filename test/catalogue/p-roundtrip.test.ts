import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeBody, emptyState, encodeBody, type State } from '../../src/core/body.ts'
import { CoatcheckError } from '../../src/core/errors.ts'
import { Texts } from '../../src/core/texts.ts'
import { decodeValue, encodeValue } from '../../src/core/values.ts'

const limits = { depthMax: 32, nodesMax: 20_000 }
const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.constantFrom(
    '$date',
    '$',
    '$object',
    '__proto_',
    'constructor',
    'toJSON',
    'then',
    '\ud800',
    '\udc00x',
    '\u2028',
    '\n',
    '\\u0024',
    '"$',
    '',
    '0',
    '-1',
  ),
)
const name = text.filter((key) => key !== '__proto__')
const leaf = fc.oneof(
  text,
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }),
  fc.constantFrom<unknown>(null, undefined, Number.NaN, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
  fc.date({ noInvalidDate: false }),
  fc.uint8Array({ maxLength: 20 }),
)

/** Everything the documentation says a session can keep. */
const value = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(name, tie('any'), { maxKeys: 4, noNullPrototype: true }),
    fc.array(fc.tuple(tie('any'), tie('any')), { maxLength: 3 }).map((pairs) => new Map(pairs)),
    fc.array(tie('any'), { maxLength: 3 }).map((members) => new Set(members)),
  ),
})).any

it(`P-06 decode(encode(x)) is x, and encodes to the same line again, for 20,000 values (SEED=${seed})`, () => {
  fc.assert(
    fc.property(value, (x) => {
      const line = encodeValue('k', x, limits)
      const back = decodeValue(line)
      if (/[\n\r]/.test(line)) throw new Error('a line break would end the line')
      if (!isDeepStrictEqual(back, x)) throw new Error(`another value came back: ${line}`)
      expect(encodeValue('k', back, limits)).toBe(line)
    }),
    { numRuns: 20_000, seed },
  )
})

it(`P-06 encode gives a line or a typed error for whatever there is (SEED=${seed})`, () => {
  fc.assert(
    fc.property(
      fc.anything({
        withDate: true,
        withMap: true,
        withSet: true,
        withBigInt: true,
        withTypedArray: true,
        withNullPrototype: true,
        withSparseArray: true,
        withBoxedValues: true,
        maxDepth: 5,
      }),
      (x) => {
        try {
          decodeValue(encodeValue('k', x, limits))
        } catch (error) {
          expect(error).toBeInstanceOf(CoatcheckError)
        }
      },
    ),
    { numRuns: 5_000, seed },
  )
})

it(`P-04 P-06 decode gives a value that encodes again, or throws, for whatever JSON there is (SEED=${seed})`, () => {
  const tag = fc.constantFrom(
    '$date',
    '$bigint',
    '$number',
    '$undefined',
    '$map',
    '$set',
    '$bytes',
    '$object',
    '$function',
    '__proto__',
    'a',
  )
  const json = fc.letrec<{ any: unknown }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom<unknown>(null, true, 'NaN', '12', 'AA', 0, -1, 1.5, 'a', '$date'),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.array(
        fc.tuple(tie('any'), tie('any')).map((pair): unknown[] => pair),
        { maxLength: 2 },
      ),
      fc
        .array(fc.tuple(tag, tie('any')), { minLength: 1, maxLength: 2 })
        .map((pairs) => JSON.parse(`{${pairs.map(([key, one]) => `${JSON.stringify(key)}:${JSON.stringify(one)}`).join()}}`) as unknown),
    ),
  })).any
  let decoded = 0
  fc.assert(
    fc.property(json, (x) => {
      let back: unknown
      try {
        back = decodeValue(JSON.stringify(x))
      } catch {
        return
      }
      decoded++
      expect(isDeepStrictEqual(decodeValue(encodeValue('k', back, limits)), back)).toBe(true)
      expect(({} as { admin?: boolean }).admin).toBeUndefined()
    }),
    { numRuns: 20_000, seed },
  )
  expect(decoded).toBeGreaterThan(1_000)
})

const time = fc.integer({ min: 0, max: 4e12 })
const hash = fc.stringMatching(/^[\w-]{43}$/)

it(`P-06 a whole body comes back as it was (SEED=${seed})`, () => {
  const state: fc.Arbitrary<State> = fc
    .record({
      id: fc.stringMatching(/^[\w-]{24}$/),
      user: fc.option(text),
      secretHash: hash,
      previous: fc.option(
        fc.record({ secretHash: hash, until: time, seen: fc.boolean(), stranded: fc.option(hash) }, { noNullPrototype: true }),
      ),
      createdAt: time,
      signedInAt: fc.option(time),
      schemaVersion: fc.nat(9),
      flashes: fc.array(fc.record({ message: text, level: text }, { noNullPrototype: true }), { maxLength: 3 }),
      entries: fc.uniqueArray(fc.tuple(text, value, fc.option(time)), { selector: ([key]) => key, maxLength: 4 }),
    })
    .map(({ entries, ...rest }): State =>
      Object.assign(emptyState(0, 0), rest, {
        values: new Texts(
          entries.map(([key]) => key),
          entries.map(([key, x]) => encodeValue(key, x, limits)),
        ),
        until: new Map(entries.flatMap(([key, , end]) => (end === null ? [] : [[key, end] as const]))),
      }),
    )
  fc.assert(
    fc.property(state, (before) => {
      const body = encodeBody(before)
      const after = decodeBody(body, before.id, before.user)
      expect(isDeepStrictEqual(after, before)).toBe(true)
      expect(decodeBody(body, `${before.id.slice(1)}${before.id[0] === 'A' ? 'B' : 'A'}`, before.user)).toBeNull()
    }),
    { numRuns: 2_000, seed },
  )
})
