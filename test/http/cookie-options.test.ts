import { describe, expect, test } from 'vitest'
import { resolveCookie, type CookieOptions } from '../../src/http/cookie.ts'
import { errorOf, polluted } from './support.ts'

/** Options as a JavaScript caller may write them. */
const resolve = (options: unknown) => resolveCookie(options as CookieOptions, 'session')

/** The sentence a configuration is refused with. */
function refusal(options: unknown, defaultName = 'session'): string {
  const { code, message } = errorOf(() => resolveCookie(options as CookieOptions, defaultName))
  expect(code).toBe('config_invalid')
  return message
}

describe('defaults', () => {
  test('are the safe ones', () => {
    expect(resolve({})).toEqual({
      name: '__Host-session',
      path: '/',
      domain: null,
      secure: true,
      sameSite: 'lax',
      partitioned: false,
      priority: null,
    })
  })

  test.each([
    [{}, '__Host-session'],
    [{ path: '/' }, '__Host-session'],
    [{ path: '/app' }, '__Secure-session'],
    [{ domain: 'example.com' }, '__Secure-session'],
    [{ secure: false }, 'session'],
    [{ secure: false, path: '/app' }, 'session'],
    [{ name: 'sid' }, 'sid'],
    [{ name: undefined, path: undefined, domain: undefined, secure: undefined, sameSite: undefined }, '__Host-session'],
  ])('%j is named %s', (options, name) => {
    expect(resolve(options).name).toBe(name)
  })

  test('every option arrives', () => {
    const options: CookieOptions = {
      name: '__Secure-sid',
      path: '/app',
      domain: 'example.com',
      secure: true,
      sameSite: 'strict',
      partitioned: true,
      priority: 'high',
    }
    expect(resolve(options)).toEqual(options)
  })
})

describe('C-03 prefixes', () => {
  test.each([
    [{ name: '__Host-sid', domain: 'example.com' }, /no domain and no path/],
    [{ name: '__Host-sid', path: '/app' }, /no domain and no path/],
    [{ name: '__Host-sid', secure: false }, /__Host-, which needs https/],
    [{ name: '__Secure-sid', secure: false }, /__Secure-, which needs https/],
    [{ name: '__Http-sid', secure: false }, /__Http-, which needs https/],
    [{ name: '__Host-Http-sid', path: '/app' }, /no domain and no path/],
    [{ name: '__host-sid' }, /begins with __host-.*write __Host-/],
    [{ name: '__HOST-sid' }, /begins with __HOST-.*write __Host-/],
    [{ name: '__secure-sid' }, /write __Secure-/],
    [{ name: '__hTTP-sid' }, /write __Http-/],
    [{ name: '__host-sid', secure: false }, /write __Host-/],
  ])('C-03 %j is refused and the rule named', (options, sentence) => {
    expect(refusal(options)).toMatch(sentence)
  })

  test.each([
    [{ name: '__Host-sid' }],
    [{ name: '__Secure-sid', domain: 'example.com', path: '/app' }],
    [{ name: '__Http-sid', path: '/app' }],
    [{ name: '__Hostess', secure: false }],
    [{ name: '__host', secure: false }],
    [{ name: 'x__Host-', secure: false }],
  ])('C-03 %j is fine', (options) => {
    expect(resolve(options).name).toBe(options.name)
  })
})

describe('C-09 SameSite and Partitioned', () => {
  test.each([
    [{ sameSite: 'none', secure: false }, /sameSite: 'none'` needs https/],
    [{ partitioned: true, secure: false }, /partitioned` needs https/],
    [{ sameSite: 'Lax' }, /'lax', 'strict' or 'none'/],
    [{ sameSite: '' }, /'lax', 'strict' or 'none'/],
    [{ sameSite: true }, /'lax', 'strict' or 'none'/],
    [{ sameSite: null }, /'lax', 'strict' or 'none'/],
    [{ sameSite: 'constructor' }, /'lax', 'strict' or 'none'/],
    [{ sameSite: 'Lax; Domain=x' }, /'lax', 'strict' or 'none'/],
    [{ secure: 'false' }, /secure` must be true or false/],
    [{ secure: 'auto' }, /secure` must be true or false/],
    [{ secure: 0 }, /secure` must be true or false/],
    [{ partitioned: 1 }, /partitioned` must be true or false/],
    [{ priority: 'High' }, /'low', 'medium' or 'high'/],
  ])('C-09 %j is refused', (options, sentence) => {
    expect(refusal(options)).toMatch(sentence)
  })

  test.each(['lax', 'strict', 'none'])('C-09 %s is fine over https', (sameSite) => {
    expect(resolve({ sameSite, partitioned: true }).sameSite).toBe(sameSite)
  })
})

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]$/

describe('C-10 names', () => {
  test('C-10 every byte is allowed or refused as RFC 9110 says', () => {
    for (let byte = 0; byte < 256; byte++) {
      const char = String.fromCharCode(byte)
      for (const name of [char, `a${char}b`, `a${char}`]) {
        if (token.test(char)) expect(resolve({ name }).name).toBe(name)
        else expect(refusal({ name }), `byte ${byte}`).toMatch(/no token/)
      }
    }
  })

  test.each(['', 'ſid', 'séance', '名', '\ud800', 'a\n', 'a'.repeat(257), 5, {}, ['sid']])('C-10 %j is refused', (name) => {
    expect(refusal({ name })).toMatch(/no token/)
  })

  test('C-10 a session name that makes no cookie name is refused too', () => {
    expect(refusal({}, 'my session')).toMatch(/no token/)
    expect(resolve({ name: 'a'.repeat(256) }).name).toHaveLength(256)
  })
})

describe('H-01 bytes in path and domain', () => {
  test('H-01 no byte ends an attribute', () => {
    for (let byte = 0; byte < 256; byte++) {
      const char = String.fromCharCode(byte)
      const inPath = byte > 0x20 && byte < 0x7f && char !== ';' && char !== ','
      if (inPath) expect(resolve({ path: `/a${char}` }).path).toBe(`/a${char}`)
      else expect(refusal({ path: `/a${char}` }), `path, byte ${byte}`).toMatch(/cookie\.path/)
      if (/[\w.-]/.test(char)) continue
      expect(refusal({ domain: `a${char}b.example` }), `domain, byte ${byte}`).toMatch(/cookie\.domain/)
    }
  })

  test.each(['', 'app', './', '/caf\u00e9', '/\u2028', '/a\r\nSet-Cookie: b=1', `/${'a'.repeat(1024)}`, 5])(
    'H-01 path %j is refused',
    (path) => {
      expect(refusal({ path })).toMatch(/cookie\.path/)
    },
  )

  test.each([
    '',
    '.example.com',
    'example.com.',
    'example..com',
    '-a.example',
    'https://example.com',
    'example.com:443',
    'example.com/app',
    '*.example.com',
    'münchen.example',
    '[::1]',
    `${'a'.repeat(64)}.example`,
    `${'a.'.repeat(127)}ab`,
    'example.com\n',
    5,
  ])('H-01 domain %j is refused', (domain) => {
    expect(refusal({ domain })).toMatch(/cookie\.domain/)
  })

  test.each(['example.com', 'Example.COM', 'xn--mnchen-3ya.example', 'a_b.example', 'localhost', '127.0.0.1'])(
    'domain %j is fine',
    (domain) => {
      expect(resolve({ domain }).domain).toBe(domain)
    },
  )
})

test('H-02 a name or path that carries attributes is refused', () => {
  expect(refusal({ name: 'a=1; Domain=x' })).toMatch(/no token/)
  expect(refusal({ path: '/; Domain=x' })).toMatch(/cookie\.path/)
  expect(refusal({ path: '/; HttpOnly=' })).toMatch(/cookie\.path/)
  expect(refusal({ domain: 'x; Path=/' })).toMatch(/cookie\.domain/)
})

describe('options nobody knows', () => {
  test.each(['maxAge', 'httpOnly', 'expires', 'samesite', 'Secure', 'signed'])('%s is refused and the known ones named', (key) => {
    expect(refusal({ [key]: true })).toMatch(new RegExp(`cookie\\.${key}\` is no option; write one of name, path`))
  })

  test.each([null, 'sid', 5])('%j is no options object', (options) => {
    expect(refusal(options)).toMatch(/cookie` must be an object/)
  })

  test('an own __proto__ is one more unknown key', () => {
    expect(refusal(JSON.parse('{"__proto__":{"secure":false}}'))).toMatch(/cookie\.__proto__/)
  })
})

test('P-02 a polluted Object.prototype decides nothing', () => {
  const clean = resolve({})
  const dirt = { name: 'evil', path: '/evil', domain: 'evil.example', secure: false, sameSite: 'none', partitioned: true, priority: 'low' }
  polluted(dirt, () => {
    expect({}).toHaveProperty('secure', false)
    expect(JSON.stringify(resolve({}))).toBe(JSON.stringify(clean))
    expect(JSON.stringify(resolve(Object.create({ path: '/inherited' })))).toBe(JSON.stringify(clean))
  })
  expect({}).not.toHaveProperty('secure')
})
