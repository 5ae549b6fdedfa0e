import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readPickle, writePickle } from '../../src/migrate/webapp2.ts'
import { fixtures, fromTagged, type PickleCase } from './webapp2-fixtures.ts'

const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'latin1')
const read = (text: string): unknown => readPickle(bytesOf(text))
const ok = (value: unknown): unknown => ({ ok: true, value })
const refused = (reason: string): unknown => ({ ok: false, reason })

const named = (cases: readonly PickleCase[]) => cases.map((one) => [one.id, one] as const)

describe("pickles made by the real Pythons, and the Pythons' verdicts", () => {
  test.each(named(fixtures.pickles.filter((one) => one.expect === 'ok')))('S0.16 M-02 %s', (_id, { pickle_b64, value_tagged, python }) => {
    const value = fromTagged(value_tagged ?? null, python?.startsWith('2') === true)
    const result = readPickle(Buffer.from(pickle_b64, 'base64'))
    expect(result).toStrictEqual(ok(value))
    // What we write of it, we read as the same.
    expect(readPickle(writePickle(value))).toStrictEqual(result)
  })

  test.each(named(fixtures.pickles.filter((one) => one.expect === 'refuse')))('M-02 %s is refused', (_id, { pickle_b64 }) => {
    expect(readPickle(Buffer.from(pickle_b64, 'base64'))).toEqual({ ok: false, reason: expect.any(String) as string })
  })

  test.each(named(fixtures.pickles.filter((one) => one.expect === 'ok-in-python')))(
    '%s: what follows the end is ignored',
    (_id, { pickle_b64 }) => {
      expect(readPickle(Buffer.from(pickle_b64, 'base64'))).toEqual(ok({ a: 'b', c: [1, 2, 3] }))
    },
  )

  test('there are as many as there should be', () => {
    const count = (expected: PickleCase['expect']): number => fixtures.pickles.filter((one) => one.expect === expected).length
    expect([count('ok'), count('refuse'), count('ok-in-python')]).toEqual([184, 29, 2])
  })
})

describe('M-02 refused by name, before anything is made', () => {
  test.each([
    ['a function', 'cos\nsystem\n(S"true"\ntR.'],
    ['a function by STACK_GLOBAL', '\x80\x04\x8c\x02os\x8c\x06system\x93.'],
    ['a class of builtins that is no data', 'c__builtin__\neval\n(S"1"\ntR.'],
    ['object', 'ccopy_reg\n_reconstructor\n(c__builtin__\nobject\nc__builtin__\nobject\nNtR.'],
    ['an allowed name of a strange module', 'cevil\ndatetime\n.'],
    ['an instance', '(S"x"\ni__main__\nA\n.'],
    ['OBJ', '(c__builtin__\nset\no.'],
    ['NEWOBJ', 'c__builtin__\nset\n)\x81.'],
    ['NEWOBJ_EX', 'c__builtin__\nset\n)}\x92.'],
    ['BUILD', '}}b.'],
    ['PERSID', 'Pabc\n.'],
    ['BINPERSID', 'K\x01Q.'],
    ['EXT', '\x82\x01.'],
    ['a buffer out of band', '\x97.'],
    ['a class as a value', 'c__builtin__\nset\n.'],
    ['a class in a list', '(c__builtin__\nset\nl.'],
    ['a class as a key', '}c__builtin__\nset\nK\x01s.'],
    ['a time zone as a value', '(cdatetime\ntimezone\n(cdatetime\ntimedelta\n(tRtRl.'],
    ['a call of what is no name', 'K\x01(tR.'],
    ['another encoding', 'c_codecs\nencode\n(Va\nVbz2\ntR.'],
    ['a zone of its own class', 'cdatetime\ndatetime\n(U\x0a\x07\xdc\x01\x14\x01\x02\x03\0\0\x04K\x01tR.'],
  ])('%s', (_what, text) => {
    expect(read(text)).toEqual(refused('unsupported'))
  })

  test.each([
    ['2 GB of text', 'X\xff\xff\xff\x7fabc.'],
    ['4 GB of bytes', 'B\xff\xff\xff\xffabc.'],
    ['2^63 bytes', '\x8e\xff\xff\xff\xff\xff\xff\xff\x7fabc.'],
    ['a negative length', 'T\xff\xff\xff\xffabc.'],
    ['a negative long', '\x8b\xff\xff\xff\xff.'],
    ['a frame that is not there', '\x95\xff\xff\xff\xff\xff\xff\xff\xff.'],
    ['no line feed', 'I1'],
    ['a key that is a list', '}]K\x01s.'],
    ['a member that is a dict', '\x8f(}\x90.'],
    ['a key without a value', '(K\x01d.'],
    ['items for what is no list', '}K\x01a.'],
    ['pairs for what is no dict', ']K\x01K\x01s.'],
    ['a mark that is not there', 'e.'],
    ['a pop below the mark', '](a.'],
    ['a memo that is not there', 'h\x01.'],
    ['the 13th month', 'cdatetime\ndate\n(U\x04\x07\xdc\x0d\x01tR.'],
    ['the 30th of February', 'cdatetime\ndate\n(U\x04\x07\xdc\x02\x1etR.'],
    ['the 25th hour', 'cdatetime\ndatetime\n(U\x0a\x07\xdc\x01\x14\x18\x02\x03\0\0\x04tR.'],
    ['nine bytes of time', 'cdatetime\ndatetime\n(U\x09\x07\xdc\x01\x14\x01\x02\x03\0\0tR.'],
    ['an escape beyond Unicode', 'V\\U00110000\n.'],
    ['text that is no UTF-8', 'X\x01\0\0\0\xff.'],
    ['a quote that stays open', "S'abc\n."],
    ['no number', 'Iabc\n.'],
    ['no float', 'F1_0\n.'],
    ['too many arguments', 'c__builtin__\nset\n(]]tR.'],
  ])('malformed: %s', (_what, text) => {
    expect(read(text)).toEqual(refused('malformed'))
  })

  test.each([
    ['an int of 4,301 digits', `I${'9'.repeat(4_302)}\n.`],
    ['a long of 3 KB', `\x8b\xb8\x0b\0\0${'x'.repeat(3_000)}.`],
    ['201 levels', `${']'.repeat(202)}${'a'.repeat(201)}.`],
    ['100,000 levels', `${']'.repeat(100_000)}${'a'.repeat(99_999)}.`],
    ['100,000 tuples in each other, as a key', `})${'\x85'.repeat(100_000)}K\x01s.`],
    ['a list in itself', ']q\0h\0a.'],
    ['a dict in itself', '}q\0K\x01h\0s.'],
    [
      '2^40 by sharing',
      `]q\0${Array.from({ length: 40 }, (_, n) => `]q${String.fromCharCode(n + 1)}(h${String.fromCharCode(n)}h${String.fromCharCode(n)}e`).join('')}.`,
    ],
    ['2^40 by sharing, with what is left on the stack', `${']q\0'}${'2\x86'.repeat(40)}.`],
    ['sets of the same list again and again', `](${'K\x01'.repeat(2_000)}eq\0(${'c__builtin__\nset\nh\0\x85R'.repeat(2_000)}l.`],
    ['bytes of the same text again and again', `V${'x'.repeat(20_000)}\np0\n(${'c_codecs\nencode\ng0\nVlatin1\n\x86R'.repeat(1_000)}l.`],
    ['more than 1 MiB', `V${'x'.repeat(1_048_576)}\n.`],
  ])('too large: %s', (_what, text) => {
    const bytes = bytesOf(text)
    expect(readPickle(bytes)).toEqual(refused('too_large'))
  })
})

describe('the shapes', () => {
  test.each([
    ['text keys', "(dS'a'\nI1\nsVb\nI2\ns.", { a: 1, b: 2 }],
    [
      'other keys',
      '}(K\x01K\x02\x88K\x03G?\xf0\0\0\0\0\0\0K\x04NK\x05u.',
      new Map<unknown, unknown>([
        [1, 4],
        [null, 5],
      ]),
    ],
    ['a key that is there twice', "(d(S'a'\nI1\nVa\nI2\nu.", { a: 2 }],
    ['a tuple as a key', '}K\x01K\x02\x86N\x73.', new Map([[[1, 2], null]])],
    ['members that are equal', 'c__builtin__\nset\n](K\x01\x88K\x02e\x85R.', new Set([true, 2])],
    ['__proto__', "(dS'__proto__'\n}s.", {}],
    ['no arguments', 'c__builtin__\nset\n)R.', new Set()],
    ['empty bytes', 'c__builtin__\nbytes\n)R.', new Uint8Array()],
    ['a bytearray', "c__builtin__\nbytearray\n(Va\\u00ff\nS'latin-1'\ntR.", Uint8Array.of(0x61, 0xff)],
    [
      'a datetime in a zone',
      'cdatetime\ndatetime\n(U\x0a\x07\xdc\x01\x14\x01\x02\x03\0\0\x04cdatetime\ntimezone\ncdatetime\ntimedelta\n(K\0M\x10\x0etR\x85RtR.',
      new Date(Date.UTC(2012, 0, 20, 0, 2, 3)),
    ],
    [
      'an hour that comes twice',
      'cdatetime\ndatetime\n(C\x0a\x07\xdc\x81\x14\x01\x02\x03\0\0\x04tR.',
      new Date(Date.UTC(2012, 0, 20, 1, 2, 3)),
    ],
    ['the year 7', 'cdatetime\ndate\n(U\x04\0\x07\x01\x01tR.', new Date('0007-01-01')],
    ['a negative timedelta', 'cdatetime\ntimedelta\n(J\xff\xff\xff\xffM\x10\x0eM\xe8\x03tR.', -86_400_000 + 3_600_001],
    ['a float', 'F-1.5e-3\n.', -0.0015],
    ['escapes', "S'\\x41\\101\\n\\\\\\'\\q'\n.", "AA\n\\'\\q"],
    ['backslashes before a u', 'Va\\\\u0041\\u0041\\U0001f36a\n.', 'a\\\\u0041A🍪'],
    ['a lone surrogate', 'X\x05\0\0\0a\xed\xa0\x80b.', 'a\ud800b'],
    ['an int without a sign', '\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f.', 2n ** 63n - 1n],
    ['a long that is nothing', '\x8a\0.', 0],
    ['POP, POP_MARK and DUP', 'K\x01(K\x02\x31K\x030K\x02(02\x86.', [2, 2]],
  ])('%s', (_what, text, value) => {
    expect(read(text)).toStrictEqual(ok(value))
  })

  test('what is shared is copied, so that changing one changes no other', () => {
    const result = readPickle(bytesOf('](](K\x01eq\0h\0e.')) as { ok: true; value: number[][] }
    result.value[0]?.push(2)
    expect(result.value).toEqual([[1, 2], [1]])
  })

  test('not bytes at all', () => {
    for (const wrong of [null, undefined, 'gAJ9Lg==', {}, []])
      expect(readPickle(wrong as unknown as Uint8Array)).toEqual(refused('malformed'))
  })
})

describe('P-01 prototypes', () => {
  test('stay as they are, whatever a key is called', () => {
    for (const key of ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty']) {
      const result = read(`(dV${key}\n(dVpolluted\nI1\nss.`)
      expect(result).toEqual(ok(key === '__proto__' ? {} : { [key]: { polluted: 1 } }))
      expect(Object.getPrototypeOf((result as { value: object }).value)).toBe(Object.prototype)
      expect({}).not.toHaveProperty('polluted')
    }
  })
})

/** What both sides can say: no `undefined`, no NaN as a key, and dates that Python has. */
const anything = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string({ unit: 'binary' }),
    fc.integer(),
    fc.double(),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 200n }).chain((n) => fc.constantFrom(n, -n)),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array({ maxLength: 40 }),
    fc.date({ noInvalidDate: true, min: new Date('0001-01-01'), max: new Date('9999-12-31') }),
    fc.array(tie('value'), { maxLength: 6 }),
    fc.dictionary(
      fc.string().filter((key) => key !== '__proto__'),
      tie('value'),
      { maxKeys: 6, noNullPrototype: true },
    ),
    fc.uniqueArray(fc.integer(), { maxLength: 6 }).map((list) => new Set(list)),
    fc.uniqueArray(fc.integer({ min: 0 }), { minLength: 1, maxLength: 6 }).map((list) => new Map(list.map((n) => [n, String(n)]))),
  ),
}))

test('S0.16 P-06 what is written is read as it was', () => {
  fc.assert(
    fc.property(anything.value, (value) => {
      expect(readPickle(writePickle(value))).toStrictEqual(ok(value))
    }),
    { numRuns: 500 },
  )
})

const circle: unknown[] = []
circle.push(circle)

test.each([
  ['value_invalid', () => 1],
  ['value_invalid', { a: Symbol('x') }],
  ['value_invalid', [new Date(Number.NaN)]],
  ['value_invalid', [new Date(-1e15)]],
  ['value_invalid', [/x/]],
  ['value_invalid', JSON.parse('{"a":{"__proto__":1}}')],
  ['value_invalid', new Set([{}])],
  ['value_invalid', new Map([[new Set(), 1]])],
  ['session_too_large', circle],
  ['session_too_large', 'x'.repeat(1_048_576)],
])('writing throws %s', (code, value) => {
  expect(() => writePickle(value)).toThrowError(expect.objectContaining({ code }))
})
