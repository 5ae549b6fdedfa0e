import fc from 'fast-check'
import { CookieJar } from 'tough-cookie'
import { describe, expect, test } from 'vitest'
import { cookieWriter, resolveCookie, type CookieOptions } from '../../src/http/cookie.ts'
import { codeOf, errorOf } from './support.ts'

const writer = (options: CookieOptions = {}) => cookieWriter(resolveCookie(options, 'session'))
const dayMs = 86_400_000
const nowMs = Date.UTC(2026, 10, 21, 4, 5, 6, 789)

/** Every shape of cookie that can be configured. */
const shapes: CookieOptions[] = [
  {},
  { secure: false },
  { path: '/app' },
  { domain: 'example.com', sameSite: 'strict' },
  { sameSite: 'none', partitioned: true },
  { name: 'sid', path: '/a/b', domain: 'example.com', priority: 'high' },
  { name: 'sid', secure: false, path: '/', priority: 'low' },
]

function attributesOf(line: string): Map<string, string> {
  const [, ...attributes] = line.split('; ')
  return new Map(
    attributes.map((one) => {
      const [key = '', value = ''] = one.split('=')
      return [key, value]
    }),
  )
}

describe('whole lines', () => {
  test.each<[CookieOptions, string]>([
    [{}, '__Host-session=v; Path=/; Secure; HttpOnly; SameSite=Lax'],
    [{ secure: false }, 'session=v; Path=/; HttpOnly; SameSite=Lax'],
    [{ path: '/app' }, '__Secure-session=v; Path=/app; Secure; HttpOnly; SameSite=Lax'],
    [
      { name: 'sid', domain: 'example.com', sameSite: 'none', partitioned: true, priority: 'medium' },
      'sid=v; Path=/; Domain=example.com; Secure; HttpOnly; SameSite=None; Partitioned; Priority=Medium',
    ],
  ])('%j', (options, line) => {
    expect(writer(options).set('v', null, nowMs)).toBe(line)
  })

  test('with a life', () => {
    expect(writer().set('v', 3_600_000, nowMs)).toBe(
      '__Host-session=v; Max-Age=3600; Expires=Sat, 21 Nov 2026 05:05:06 GMT; Path=/; Secure; HttpOnly; SameSite=Lax',
    )
  })

  test('cleared', () => {
    expect(writer().clear()).toBe(
      '__Host-session=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; Secure; HttpOnly; SameSite=Lax',
    )
  })
})

test('X-08 and C-09 every line says SameSite and HttpOnly, and Secure unless told otherwise', () => {
  for (const shape of shapes) {
    for (const line of [writer(shape).set('v', null, nowMs), writer(shape).set('v', dayMs, nowMs), writer(shape).clear()]) {
      const attributes = attributesOf(line)
      expect(attributes.get('SameSite'), line).toMatch(/^(Lax|Strict|None)$/)
      expect(attributes.has('HttpOnly'), line).toBe(true)
      expect(attributes.has('Secure'), line).toBe(shape.secure !== false)
    }
  }
})

describe('S3.5 Max-Age and Expires', () => {
  test('S3.5 come together and agree, or not at all', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 * dayMs }), fc.integer({ min: 0, max: 4e12 }), (lifeMs, now) => {
        const attributes = attributesOf(writer().set('v', lifeMs, now))
        const maxAgeMs = Number(attributes.get('Max-Age')) * 1000
        expect(maxAgeMs - lifeMs).toBeGreaterThanOrEqual(0)
        expect(maxAgeMs - lifeMs).toBeLessThan(1000)
        // Expires has whole seconds, like the Date header it is read against.
        expect(Date.parse(attributes.get('Expires') ?? '')).toBe(Math.floor(now / 1000) * 1000 + maxAgeMs)
      }),
    )
    const session = attributesOf(writer().set('v', null, nowMs))
    expect([session.has('Max-Age'), session.has('Expires')]).toEqual([false, false])
  })
})

describe('C-12 lives', () => {
  test.each([
    [1, 1],
    [999, 1],
    [1001, 2],
    [400 * dayMs, 34_560_000],
    [0, 0],
    [-1, 0],
    [-1e12, 0],
  ])('C-12 %d ms are %d seconds', (lifeMs, seconds) => {
    expect(attributesOf(writer().set('v', lifeMs, nowMs)).get('Max-Age')).toBe(String(seconds))
  })

  test.each([400 * dayMs + 1, 401 * dayMs, 1e12, 1e300, Infinity, NaN])('C-12 %d ms are refused, not cut', (lifeMs) => {
    expect(codeOf(() => writer().set('v', lifeMs, nowMs))).toBe('config_invalid')
  })
})

describe('C-07 lengths', () => {
  test.each(shapes)('C-07 a line of %j is at most 4,096 bytes, and the error comes before any header', (shape) => {
    for (const lifeMs of [null, 1, 400 * dayMs]) {
      const overhead = writer(shape).set('v', lifeMs, nowMs).length - 1
      const fits = 4096 - overhead
      expect(Buffer.byteLength(writer(shape).set('v'.repeat(fits), lifeMs, nowMs))).toBe(4096)
      for (const length of [fits + 1, 4096, 8192, 1_048_576]) {
        expect(codeOf(() => writer(shape).set('v'.repeat(length), lifeMs, nowMs))).toBe('cookie_too_large')
      }
    }
  })

  test.each(shapes)('C-07 valueBytesMax of %j is what always fits', (shape) => {
    const { set, valueBytesMax } = writer(shape)
    expect(set('v'.repeat(valueBytesMax), 400 * dayMs, nowMs)).toHaveLength(4096)
    expect(set('v'.repeat(valueBytesMax), null, nowMs).length).toBeLessThan(4096)
  })

  test('C-07 the widest configuration leaves room for a ticket', () => {
    const widest = { name: `__Secure-${'n'.repeat(247)}`, path: `/${'p'.repeat(1023)}`, domain: `${'d.'.repeat(126)}d` }
    expect(writer({ ...widest, sameSite: 'strict', partitioned: true, priority: 'medium' }).valueBytesMax).toBeGreaterThan(1024)
  })

  test('no message repeats the value', () => {
    const secret = 'S'.repeat(5000)
    for (const value of [secret, `${secret};`]) {
      expect(errorOf(() => writer().set(value, null, nowMs)).message).not.toContain('SSS')
    }
  })
})

test('C-11 and H-01 every byte that is no cookie-octet is refused, and nothing is emitted', () => {
  const octet = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]$/
  for (let code = 0; code < 0x400; code++) {
    const char = String.fromCharCode(code)
    for (const value of [char, `${char}v`, `v${char}v`, `v${char}`]) {
      if (octet.test(char)) expect(writer().set(value, null, nowMs)).toContain(`=${value};`)
      else
        expect(
          codeOf(() => writer().set(value, null, nowMs)),
          `${code}`,
        ).toBe('value_invalid')
    }
  }
  for (const value of ['', '\ud800', '💥', 'v\r\nSet-Cookie: a=1', 'v; Domain=evil.example']) {
    expect(codeOf(() => writer().set(value, null, nowMs))).toBe('value_invalid')
  }
})

describe('C-15 deletion', () => {
  test.each(shapes)('C-15 of %j names the same cookie: all attributes but the life are equal', (shape) => {
    const set = attributesOf(writer(shape).set('v', dayMs, nowMs))
    const cleared = attributesOf(writer(shape).clear())
    expect(cleared.get('Max-Age')).toBe('0')
    expect(Date.parse(cleared.get('Expires') ?? '')).toBe(0)
    for (const attributes of [set, cleared]) for (const key of ['Max-Age', 'Expires']) attributes.delete(key)
    expect([...cleared]).toEqual([...set])
    expect(writer(shape).clear().split('=')[0]).toBe(writer(shape).set('v', null, nowMs).split('=')[0])
  })

  test.each(shapes)('C-15 of %j empties a jar that knows prefixes', (shape) => {
    const jar = new CookieJar(undefined, { prefixSecurity: 'strict' })
    const url = `https://app.example.com${shape.path ?? '/'}`
    jar.setCookieSync(writer(shape).set('v', null, nowMs), url)
    expect(jar.getCookieStringSync(url)).toMatch(/=v$/)
    jar.setCookieSync(writer(shape).clear(), url)
    expect(jar.getCookieStringSync(url)).toBe('')
  })
})
