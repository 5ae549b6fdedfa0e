import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readWebapp2Cookie, writeWebapp2Cookie } from '../../src/migrate/webapp2.ts'
import { signer } from '../../src/migrate/webapp2/signature.ts'
import { textOf as sourceOf } from '../../scripts/source.ts'
import { flips, suffixes, truncations } from '../support/forgery.ts'
import { casesOf, fixtures, fromTagged, type Case } from './webapp2-fixtures.ts'

/** Cases where we answer differently on purpose; docs/moving-in.md gives each its reason. */
const differences: Readonly<Record<string, Record<string, unknown> | null | 'config_invalid'>> = {
  'V.age.future': null,
  'V.age.farfuture': null,
  'V.ts.text.none': null,
  'V.ts.empty.none': null,
  'V.ts.underscore': null,
  'V.decode.newlines': null,
  'V.type.emptylist': null,
  'V.type.pairs': null,
  'V.key.emptyok': 'config_invalid',
  'S2.sc.protokeys': { constructor: { prototype: { x: 1 } }, toString: 'x', hasOwnProperty: 1 },
  'S3.sc.protokeys': { constructor: { prototype: { x: 1 } }, toString: 'x', hasOwnProperty: 1 },
}

const secretKey = 'my-super-secret-key'
const known = { secretKey, name: 'session', now: 1_700_000_000 }
const genuine = 'eyJmb28iOiJiYXIifQ==|1327017600|7485e887275b729c31d3029a6162bf1f4d5334d3'

function signed(json: string, { timestamp = '1700000000', name = 'session', key = secretKey } = {}): string {
  const text = `${Buffer.from(json).toString('base64')}|${timestamp}`
  return `${text}|${createHmac('sha1', key).update(`${name}|${text}`).digest('hex')}`
}

const options = ({ secret_key, cookie_name, verify }: Case) => ({
  secretKey: secret_key,
  name: cookie_name,
  maxAge: verify.max_age,
  now: verify.now,
})

/** JSON turned Python 2's str into text already. */
function expected({ expect: { ok, data_is_payload, data }, payload_tagged, payload_json_text, payload }: Case): unknown {
  if (!ok) return null
  if (data_is_payload !== true) return data
  const number = /\d{16}|NaN|Infinity/.test(payload_json_text ?? '')
  return number ? fromTagged(payload_tagged ?? null, true) : payload
}

describe("the real webapp2's verdicts", () => {
  test.each(casesOf('securecookie').map((one) => [one.id, one] as const))('S0.16 S0.7 %s', (id, one) => {
    const read = () => readWebapp2Cookie(one.cookie_header, options(one))
    const different = differences[id]
    if (different === 'config_invalid') expect(read).toThrowError(expect.objectContaining({ code: 'config_invalid' }))
    else expect(read()).toEqual(different === undefined ? expected(one) : different)
    expect({}).not.toHaveProperty('admin')
    if (id.includes('protokeys')) expect(Object.getPrototypeOf(read())).toBe(Object.prototype)
  })

  test('every difference is a case, and stands in docs/moving-in.md', () => {
    const page = readFileSync(new URL('../../docs/moving-in.md', import.meta.url), 'utf8')
    for (const id of Object.keys(differences)) {
      expect(
        casesOf('securecookie').some((one) => one.id === id),
        id,
      ).toBe(true)
      expect(page, id).toContain(`\`${id}\``)
    }
  })

  test('S0.12 the cookie that the helper of the first write-up takes is forged, and refused', () => {
    expect(readWebapp2Cookie(`session=${fixtures.seed0_forged_cookie.cookie_value}`, known)).toBeNull()
  })
})

describe('a cookie', () => {
  test('S0.2 with any bit flipped, cut off anywhere or lengthened is none', () => {
    const header = `session=${genuine}`
    expect(readWebapp2Cookie(header, known)).toEqual({ foo: 'bar' })
    for (const text of [...flips(header), ...truncations(header), ...suffixes(header)]) {
      // A blank at the end is no part of it, and what follows a semicolon is another cookie.
      if (text.startsWith(header) && /^[ \t]*(;|$)/.test(text.slice(header.length))) continue
      expect(readWebapp2Cookie(text, known), text).toBeNull()
    }
  })

  test('S0.3 under another name, or for another key, is none', () => {
    expect(readWebapp2Cookie(`other=${genuine}`, { ...known, name: 'other' })).toBeNull()
    expect(readWebapp2Cookie(`xsession=${genuine}`, known)).toBeNull()
    expect(readWebapp2Cookie(`session=${genuine}`, { ...known, secretKey: `${secretKey}.` })).toBeNull()
  })

  test('S0.4 at exactly its age still is one, a second later not', () => {
    const at = (now: number) => readWebapp2Cookie(`session=${signed('{}')}`, { ...known, maxAge: 3600, now })
    expect(at(1_700_003_600)).toEqual({})
    expect(at(1_700_003_600.9)).toEqual({})
    expect(at(1_700_003_601)).toBeNull()
    // A clock that is a minute ahead, and one that is more.
    expect(at(1_699_999_940)).toEqual({})
    expect(at(1_699_999_939)).toBeNull()
  })

  const junk: readonly (readonly [string, unknown])[] = [
    ['nothing', undefined],
    ['null', null],
    ['no cookies', ''],
    ['other cookies', 'a=1; b=2'],
    ['no value', 'session='],
    ['one part', 'session=abc'],
    ['two parts', 'session=a|1'],
    ['four parts', `session=${genuine}|`],
    ['a thousand parts', `session=${'|'.repeat(1000)}`],
    ['5 KB of junk', `session=${'x'.repeat(5_000)}`],
    ['a megabyte', `session=${'='.repeat(1_000_000)}`],
    ['blanks', `session=${' '.repeat(60_000)}x`],
    ['quotes', 'session="'],
    ['an open quote', `session="${genuine}`],
    ['escapes', `session="${'\\'.repeat(999)}"`],
    ['control characters', 'session=\0\x01|\x02|\x7f'],
    ['beyond latin-1', 'session=é🍪|1|ü'],
    ['a number', 7],
    ['an object', {}],
  ]

  test.each(junk)('S0.5 %s is none, and throws nothing', (_what, header) => {
    expect(readWebapp2Cookie(header as string, known)).toBeNull()
  })

  test('S0.7 is read in quotes with octal escapes and without, whatever stands around it', () => {
    const quoted = `"${genuine.replaceAll('=', '\\075')}"`
    for (const value of [genuine, quoted, `"${genuine}"`, `${genuine} `, `\t${quoted}\t`]) {
      expect(readWebapp2Cookie(`a=b; session=${value}; c="d"`, known), value).toEqual({ foo: 'bar' })
    }
  })

  test('is the last one of its name, as WebOb has it', () => {
    const newer = signed('{"n":2}')
    expect(readWebapp2Cookie(`session=${genuine}; session=${newer}`, known)).toEqual({ n: 2 })
    expect(readWebapp2Cookie(`session=${newer}; session=${genuine}; session=${newer}`, known)).toEqual({ n: 2 })
    expect(readWebapp2Cookie(`session=${genuine}; session=junk`, known)).toBeNull()
  })

  test('S0.13 is verified with the old key and the new one, and written with the new one', () => {
    const keys = ['the new key', secretKey]
    expect(readWebapp2Cookie(`session=${genuine}`, { ...known, secretKey: keys })).toEqual({ foo: 'bar' })
    const written = writeWebapp2Cookie({ a: 1 }, { ...known, secretKey: keys })
    expect(readWebapp2Cookie(`session=${written}`, { ...known, secretKey: 'the new key' })).toEqual({ a: 1 })
    expect(readWebapp2Cookie(`session=${written}`, known)).toBeNull()
  })
})

describe('its JSON', () => {
  const read = (json: string) => readWebapp2Cookie(`session=${signed(json)}`, known)

  test.each([
    ['{"n":12345678901234567890}', { n: 12345678901234567890n }],
    ['{"n":9007199254740991,"z":-9007199254740992}', { n: 9007199254740991, z: -9007199254740992n }],
    ['{"a":NaN,"b":-Infinity,"c":Infinity}', { a: Number.NaN, b: Number.NEGATIVE_INFINITY, c: Number.POSITIVE_INFINITY }],
    [
      '{"a":NaN,"b":[1.5e3,-0.0,"\\u00e9\\ud800",true,false,null,{}],"c":[]}',
      { a: Number.NaN, b: [1500, -0, 'é\ud800', true, false, null, {}], c: [] },
    ],
    ['{"a":{"__proto__":{"x":1},"\\u005f_proto__":2,"b":1}}', { a: { b: 1 } }],
    ['{"a":1,"a":2}', { a: 2 }],
    ['{"a":"<\\/script>\\u007f"}', { a: '</script>\x7f' }],
    [' { "a" : NaN , "b" : [ ] } ', { a: Number.NaN, b: [] }],
  ])('%s', (json, value) => {
    expect(read(json)).toEqual(value)
  })

  test.each([
    '',
    '{',
    '{"a":}',
    '{"a":1,}',
    '{a:1}',
    "{'a':1}",
    '{"a":01}',
    '{"a":NaN}}',
    '{"a":NaN "b":1}',
    '{"a":"\n"}',
    '{"a":nan}',
    '{"a":NaN,"b":"\\x"}',
    `{"a":${'9'.repeat(4_400)}}`,
    '"text"',
    '[1]',
    'null',
    'true',
    '5',
  ])('M-02 %s is none', (json) => {
    expect(read(json)).toBeNull()
  })

  test('M-02 200 levels are one, 202 none, and neither are bytes that are no UTF-8', () => {
    const nested = (levels: number) => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`
    expect(read(nested(200))).not.toBeNull()
    expect(read(nested(202))).toBeNull()
    expect(read(nested(10_000))).toBeNull()
    const text = `${Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]).toString('base64')}|1700000000`
    const header = `session=${text}|${createHmac('sha1', secretKey).update(`session|${text}`).digest('hex')}`
    expect(readWebapp2Cookie(header, known)).toBeNull()
  })
})

describe('writing', () => {
  test('gives what webapp2 gives, byte for byte', () => {
    const comparable = casesOf('securecookie').filter(
      // Python writes a whole float as 1.0, and integers beyond 2^53 in full: not what JSON.parse gives back.
      ({ stack, payload_json_text }) =>
        stack !== 'variant' && payload_json_text !== undefined && !/\d{16}|\d\.0|NaN|__proto__/.test(payload_json_text),
    )
    expect(comparable.length).toBeGreaterThan(60)
    for (const { payload_json_text, cookie_value, cookie_name, secret_key, timestamp, id } of comparable) {
      // JavaScript puts keys that are numbers first.
      if (/"\d+":/.test(payload_json_text ?? '') || cookie_name.length + 1 + cookie_value.length > 4_096) continue
      const values = JSON.parse(payload_json_text ?? '') as Record<string, unknown>
      expect(writeWebapp2Cookie(values, { secretKey: secret_key, name: cookie_name, now: timestamp ?? 0 }), id).toBe(cookie_value)
    }
  })

  test('and reading give the same values', () => {
    const values = {
      '': 'é🍪\ud800\x7f</',
      n: [1, -0, 1.5, 1e300, 2 ** 60, -1e20, 2n ** 70n, Number.NaN, Number.NEGATIVE_INFINITY],
      o: { a: null, b: [true] },
    }
    expect(readWebapp2Cookie(`session=${writeWebapp2Cookie(values, known)}`, known)).toEqual(values)
    expect(writeWebapp2Cookie({ a: undefined, b: [undefined] }, known)).toBe(writeWebapp2Cookie({ b: [null] }, known))
  })

  const circle: Record<string, unknown> = {}
  circle['me'] = circle

  test.each([
    ['value_invalid', { a: new Date() }],
    ['value_invalid', { a: new Map() }],
    ['value_invalid', { a: () => 1 }],
    ['value_invalid', { a: Symbol('x') }],
    ['value_invalid', JSON.parse('{"__proto__":1}')],
    ['value_invalid', [1]],
    ['value_invalid', null],
    ['session_too_large', circle],
    ['cookie_too_large', { a: 'x'.repeat(3_020) }],
  ])('throws %s', (code, values) => {
    expect(() => writeWebapp2Cookie(values as Record<string, unknown>, known)).toThrowError(expect.objectContaining({ code }))
  })

  test('S3.2 name and value have 4,096 bytes at most', () => {
    expect(`session=${writeWebapp2Cookie({ a: 'x'.repeat(3_018) }, known)}`).toHaveLength(4_096)
    expect(() => writeWebapp2Cookie({ a: 'x'.repeat(3_020) }, known)).toThrowError(expect.objectContaining({ code: 'cookie_too_large' }))
  })
})

describe('wrong options', () => {
  test.each([
    [{}],
    [{ secretKey: '', name: 'session' }],
    [{ secretKey: [], name: 'session' }],
    [{ secretKey: 7, name: 'session' }],
    [{ secretKey, name: '' }],
    [{ secretKey, name: 'a b' }],
    [{ secretKey, name: 'session', maxAge: Number.NaN }],
    [{ secretKey, name: 'session', now: '7' }],
    [{ secretKey, name: 'session', max_age: 7 }],
    [null],
  ])('%j', (wrong) => {
    expect(() => readWebapp2Cookie('', wrong as unknown as typeof known)).toThrowError(expect.objectContaining({ code: 'config_invalid' }))
  })

  test('P-02 a polluted Object.prototype decides nothing', () => {
    const everyObject = Object.prototype as { maxAge?: number }
    try {
      everyObject.maxAge = 1
      expect(readWebapp2Cookie(`session=${genuine}`, known)).toEqual({ foo: 'bar' })
    } finally {
      delete everyObject.maxAge
    }
  })
})

test('the signature is HMAC-SHA1, for keys and texts of any length', () => {
  for (const length of [1, 20, 63, 64, 65, 200]) {
    const key = 'ü'.repeat(length).slice(0, length)
    const sign = signer(key)
    for (const text of ['', 'a', 'é'.repeat(700), 'x'.repeat(5_000), 'a']) {
      expect(sign(text)).toBe(createHmac('sha1', key).update(text).digest('hex'))
    }
  }
  expect(signer(Buffer.from([0xff, 0]))('a')).toBe(
    createHmac('sha1', Buffer.from([0xff, 0]))
      .update('a')
      .digest('hex'),
  )
})

test('T-05 S0.12 signatures are compared by timingSafeEqual, on buffers of one length', () => {
  const source = sourceOf('src/migrate/webapp2/signature.ts')
  expect(source).toMatch(/timingSafeEqual\(Buffer\.from\(given, 'latin1'\), Buffer\.from\(computed, 'latin1'\)\)/)
  expect(sourceOf('src/migrate/gae-sessions.ts')).toMatch(/timingSafeEqual\(/)
  for (const file of ['src/migrate/webapp2/cookie.ts', 'src/migrate/webapp2/sessions.ts', 'src/migrate/webapp2/move-in.ts']) {
    expect(sourceOf(file), file).not.toMatch(/signature\s*[!=]==/)
  }
})
