import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findCookies } from '../../src/http/cookie.ts'
import { fastestMs } from './support.ts'

const name = '__Host-session'
const find = (header: string, max = 4) => findCookies(header, name, max)
const bytes = Array.from({ length: 256 }, (_, byte) => byte)
const blanks = [' ', '\t']

/** Blanks of Unicode that some cookie readers strip, as text and as the bytes of UTF-8 that Node hands on as latin1. */
const wideBlanks = [0xa0, 0x85, 0xfeff, 0x3000, 0x2028, 0x2029, ...Array.from({ length: 11 }, (_, n) => 0x2000 + n)].flatMap((code) => {
  const text = String.fromCodePoint(code)
  return [text, Buffer.from(text, 'utf8').toString('latin1')]
})

describe('what is found', () => {
  test.each<[string, string[]]>([
    ['__Host-session=v', ['v']],
    ['a=1; __Host-session=v; b=2', ['v']],
    ['a=1;__Host-session=v;b=2', ['v']],
    ['__Host-session=', ['']],
    ['__Host-session=a=b==', ['a=b==']],
    ['a=__Host-session=v', []],
    ['a=1, __Host-session=v', []],
    ['__Host-session2=v; my__Host-session=v', []],
    ['__Host-session', []],
    ['__Host-session; a=1', []],
    ['', []],
    [';;;', []],
  ])('%j', (header, values) => {
    expect(find(header)).toEqual(values)
  })

  test('a missing header and a missing cookie cost no array', () => {
    expect(findCookies(undefined, name, 4)).toBe(find('a=1; b=2'))
    expect(Object.isFrozen(find(''))).toBe(true)
  })
})

describe('C-02 the same name twice', () => {
  test('C-02 keeps both orders, drops repetitions and never lets one hide another', () => {
    expect(find(`${name}=junk; ${name}=good`)).toEqual(['junk', 'good'])
    expect(find(`${name}=good; ${name}=junk`)).toEqual(['good', 'junk'])
    expect(find(`${name}=good; `.repeat(200))).toEqual(['good'])
  })

  test('C-02 more different values than anybody should check are no values', () => {
    const header = (count: number) => Array.from({ length: count }, (_, n) => `${name}=${n}`).join('; ')
    expect(find(header(4))).toHaveLength(4)
    expect(find(header(5))).toBeNull()
    expect(find(header(200))).toBeNull()
    expect(find(header(1), 1)).toEqual(['0'])
    expect(find(header(2), 1)).toBeNull()
    expect(find(`${header(4)}; ${name}=0; ${name}=3`)).toHaveLength(4)
  })
})

test('C-03 only the exact case is read', () => {
  for (const other of ['__host-session', '__HOST-session', '__Host-Session', '__HOST-SESSION', '__hOST-session']) {
    expect(find(`${other}=v`), other).toEqual([])
  }
})

describe('C-04 bytes around the name', () => {
  test('C-04 only SP and HTAB are stripped before the name, and ; begins a pair', () => {
    for (const byte of bytes) {
      const char = String.fromCharCode(byte)
      const expected = [...blanks, ';'].includes(char) ? ['v'] : []
      expect(find(`${char}${name}=v`), `first, byte ${byte}`).toEqual(expected)
      expect(find(`a=1;${char}${name}=v`), `after a pair, byte ${byte}`).toEqual(expected)
      expect(find(`a=1; ${char} ${name}=v`), `between blanks, byte ${byte}`).toEqual(expected)
    }
  })

  test('C-04 nothing at all may stand between the name and =', () => {
    for (const byte of bytes) {
      const char = String.fromCharCode(byte)
      expect(find(`${name}${char}=v`), `byte ${byte}`).toEqual(char === '=' ? ['=v'] : [])
    }
  })

  test('C-04 no other blank is one, as text or as UTF-8 read as latin1', () => {
    expect(wideBlanks).toHaveLength(34)
    for (const blank of wideBlanks) {
      for (const header of [`${blank}${name}=v`, `a=1;${blank}${name}=v`, `a=1; ${blank}${name}=v`, `${name}${blank}=v`]) {
        expect(find(header), JSON.stringify(header)).toEqual([])
      }
    }
  })
})

test('C-05 a name is never decoded, mangled or found in a nameless cookie', () => {
  const lookalikes = [
    `=${name}=v`,
    ` =${name}=v`,
    `==${name}=v`,
    '__%48ost-session=v',
    '__Host%2Dsession=v',
    '__Host-session%3Dv',
    'session[__Host]=v',
    '__Host_session=v',
    '__Host.session=v',
    '__Host-session.=v',
    '__Host\u2010session=v',
    '__Host-session\0=v',
  ]
  for (const header of lookalikes) {
    expect(find(header), header).toEqual([])
    expect(find(`a=1; ${header}`), header).toEqual([])
  }
  expect(findCookies('x[__Host]=v; __Host_x=v; __Host.x=v; __%48ost-x=v', '__Host-x', 4)).toEqual([])
})

test('C-06 quotes, escapes and $Version are data', () => {
  expect(find(`$Version=1; ${name}="a; b"`)).toEqual(['"a'])
  expect(find(`${name}="v"`)).toEqual(['"v"'])
  expect(find(`${name}="\\073${name}=w"`)).toEqual([`"\\073${name}=w"`])
  expect(find(`a="; ${name}=v"`)).toEqual(['v"'])
  expect(find(`$Version="1"; ${name}=v; $Path="/"`)).toEqual(['v'])
})

test('C-08 a value keeps every byte it came with', () => {
  for (const byte of bytes) {
    const char = String.fromCharCode(byte)
    if (char === ';') continue
    expect(find(`a=1; ${name}=${char}v${char}; b=2`), `byte ${byte}`).toEqual([`${char}v${char}`])
    expect(find(`${name}=${char}`), `byte ${byte}`).toEqual([char])
  }
  expect(find(`${name}=%41; a=1`)).toEqual(['%41'])
})

test('C-11 controls, lone surrogates and broken UTF-8 are data as well', () => {
  for (const value of ['\0', '\r\nSet-Cookie: a=1', '\x7f', '\ud800', '\udfff\ud800', '\xff\xfe', '💥']) {
    expect(find(`${name}=${value}`)).toEqual([value])
  }
})

test('C-13 crumbs of HTTP/2 and several lines, joined by "; ", are all found; a comma is data', () => {
  expect(find(['a=1', `${name}=v`, 'b=2'].join('; '))).toEqual(['v'])
  expect(find([`${name}=v`, `${name}=w`].join('; '))).toEqual(['v', 'w'])
  expect(find(`${name}=v, b=2`)).toEqual(['v, b=2'])
  expect(find(`a=1, ${name}=v`)).toEqual([])
})

describe('C-14 time', () => {
  const hostile: Record<string, string> = {
    '3,000 cookies': 'a=bcd;'.repeat(3000),
    'nothing but ;': ';',
    'nothing but =': 'a=',
    'blanks only': ' ',
    'blanks after every ;': `;${' '.repeat(64)}`,
    'our name without =': '; __Host-session',
    'our name inside itself': '__Host-session=',
    'almost our name': '_Host-session=; ',
    'the first letters of our name': '_',
    'our cookie, again and again': '; __Host-session=a',
    'blanks before our cookie': `${' '.repeat(128)}__Host-session=a`,
  }
  test.each(Object.entries(hostile))('C-14 %s: under 1 ms for 16 KiB and no quadratic growth', (_, pattern) => {
    const large = pattern.repeat(Math.ceil(1_048_576 / pattern.length))
    const small = large.slice(0, 16_384)
    expect(fastestMs(() => find(small))).toBeLessThan(1)
    expect(fastestMs(() => find(large))).toBeLessThan(64)
  })
})

/** What the parser has to equal, in the plainest words. */
function reference(header: string, wanted: string, max: number): string[] | null {
  const values = new Set<string>()
  for (const pair of header.split(';')) {
    const text = pair.replace(/^[ \t]+/, '')
    const at = text.indexOf('=')
    if (at !== -1 && text.slice(0, at) === wanted) values.add(text.slice(at + 1))
  }
  return values.size > max ? null : [...values]
}

const seed = Number(process.env['SEED'] ?? Date.now() & 0x7fff_ffff)

describe(`properties, SEED=${seed}`, () => {
  const names = ['a', 'aa', 'sid', '__Host-session', '$x', 'a.b']
  const pairs = names.flatMap((one) => [`${one}=`, `; ${one}=v`, `;${one}=`, `; \t${one}=1;`])
  const scraps = [
    ...names,
    ...pairs,
    'A',
    '=',
    '==',
    ';',
    '; ',
    ' ',
    '\t',
    ',',
    '"',
    '\\',
    '%3D',
    '\0',
    '\n',
    '\xa0',
    '\u2003',
    '💥',
    'v',
    '1',
  ]

  test('agrees with a splitter on 100,000 headers', () => {
    const seen = { nothing: 0, one: 0, several: 0, tooMany: 0 }
    const header = fc.array(fc.constantFrom(...scraps), { maxLength: 24 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(header, fc.constantFrom(...names), fc.integer({ min: 1, max: 4 }), (text, wanted, max) => {
        const expected = reference(text, wanted, max)
        seen[expected === null ? 'tooMany' : expected.length > 1 ? 'several' : expected.length === 1 ? 'one' : 'nothing']++
        expect(findCookies(text, wanted, max)).toEqual(expected)
      }),
      { seed, numRuns: 100_000 },
    )
    expect(Math.min(...Object.values(seen)), JSON.stringify(seen)).toBeGreaterThan(1_000)
  })

  test('agrees on arbitrary text too', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (before, after) => {
        const header = `${before};sid=${after}`
        expect(findCookies(header, 'sid', 4)).toEqual(reference(header, 'sid', 4))
      }),
      { seed, numRuns: 10_000 },
    )
  })
})
