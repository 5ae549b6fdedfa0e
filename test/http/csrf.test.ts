import { describe, expect, test } from 'vitest'
import { createCsrf, type CsrfOptions } from '../../src/http/csrf.ts'
import type { RequestHead } from '../../src/http/types.ts'
import { tables, type Row } from './csrf-matrix.ts'
import { codeOf, errorOf, headOf, polluted } from './support.ts'

const own = 'https://app.example.com'
const trustedOrigins = ['https://partner.example']
const byHost = createCsrf({ trustedOrigins }, true)
const byOption = createCsrf({ trustedOrigins, origin: own }, true)

/** All that a verdict may depend on. */
const consulted = new Set(['host', 'origin', 'sec-fetch-site', 'upgrade'])

function request(method: string, { origin, site }: Pick<Row, 'origin' | 'site'>, more: Record<string, string> = {}): RequestHead {
  const headers: Record<string, string | undefined> = { host: 'app.example.com', origin, 'sec-fetch-site': site, ...more }
  return {
    method,
    header(name) {
      if (!consulted.has(name)) throw new Error(`the verdict must not depend on ${name}`)
      return headers[name]
    },
  }
}

type Judge = ReturnType<typeof createCsrf>

/** The rows in which the judge disagrees with the table. */
function disagreements(judge: Judge, method: string, rows: readonly Row[], more?: Record<string, string>): unknown[] {
  return rows.map((row) => ({ ...row, got: judge(request(method, row, more)) })).filter(({ expected, got }) => got !== expected)
}

const safe = ['GET', 'HEAD', 'OPTIONS']
const unsafe = [
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'QUERY',
  'TRACE',
  'CONNECT',
  'PROPFIND',
  'BREW',
  'get',
  'Get',
  'head',
  'options',
  'post',
  'GET ',
  '',
]

describe('X-01 the matrix', () => {
  test('X-01 has every row it promises', () => {
    expect([tables.byHost.length, tables.byOption.length, tables.handshake.length]).toEqual([320, 320, 320])
    expect(320 * (safe.length + unsafe.length) * 2).toBeGreaterThan(700)
  })

  test.each(unsafe)('X-01 %j, by Host', (method) => {
    expect(disagreements(byHost, method, tables.byHost)).toEqual([])
  })

  test.each(unsafe)('X-01 %j, by the option `origin`', (method) => {
    expect(disagreements(byOption, method, tables.byOption)).toEqual([])
  })

  test.each(safe)('X-01 %s is safe whoever asks', (method) => {
    for (const row of tables.byHost) {
      expect([byHost(request(method, row)), byOption(request(method, row))], JSON.stringify(row)).toEqual(['allowed', 'allowed'])
    }
  })
})

/** A POST as a proxy hands it on, with everything that claims another host. */
function post(host: string | undefined, origin: string, site?: string): RequestHead {
  const { host: claimed } = new URL(origin)
  return headOf('POST', {
    ...(host === undefined ? {} : { host }),
    ...(site === undefined ? {} : { 'sec-fetch-site': site }),
    origin,
    'x-forwarded-host': claimed,
    'x-forwarded-proto': 'https',
    forwarded: `host=${claimed};proto=https`,
  })
}

describe('X-02 behind a proxy', () => {
  test('X-02 the public origin comes from the configuration; a rewritten Host does not matter', () => {
    expect(byOption(post('10.0.0.7:3000', own))).toBe('allowed')
    expect(byOption(post(undefined, own))).toBe('allowed')
    expect(byOption(post('evil.example', 'https://evil.example'))).toBe('origin')
  })

  test('X-02 without it a rewritten Host is refused, unless the browser vouches', () => {
    expect(byHost(post('10.0.0.7:3000', own))).toBe('origin')
    expect(byHost(post('10.0.0.7:3000', own, 'same-origin'))).toBe('allowed')
    expect(byHost(post(undefined, own))).toBe('origin')
    expect(byHost(post('', own))).toBe('origin')
  })

  test('X-02 a spoofed X-Forwarded-Host never helps', () => {
    expect(byHost(post('app.example.com', 'https://evil.example'))).toBe('origin')
    expect(byOption(post('app.example.com', 'https://evil.example'))).toBe('origin')
  })

  test('several own origins', () => {
    const judge = createCsrf({ origin: [own, 'https://www.example.com'] }, true)
    expect(judge(post('10.0.0.7', own))).toBe('allowed')
    expect(judge(post('10.0.0.7', 'https://www.example.com'))).toBe('allowed')
    expect(judge(post('10.0.0.7', 'https://blog.example.com'))).toBe('origin')
    // Our own, but of another site: that has to be said in trustedOrigins.
    expect(judge(post('10.0.0.7', own, 'same-site'))).toBe('same-site')
  })
})

describe('Host and Origin', () => {
  test.each<[string, string, boolean, string]>([
    ['https://app.example.com', 'app.example.com', true, 'allowed'],
    ['https://app.example.com', 'App.Example.com', true, 'allowed'],
    ['https://app.example.com', 'app.example.com:443', true, 'allowed'],
    ['https://app.example.com', 'app.example.com:80', true, 'origin'],
    ['https://app.example.com:8443', 'app.example.com:8443', true, 'allowed'],
    ['https://app.example.com:8443', 'app.example.com', true, 'origin'],
    ['https://app.example.com', 'app.example.com:8443', true, 'origin'],
    ['https://app.example.com', 'app.example.com, app.example.com', true, 'origin'],
    ['https://[2001:db8::1]', '[2001:db8::1]', true, 'allowed'],
    ['http://app.example.com', 'app.example.com', true, 'origin'],
    ['http://app.example.com', 'app.example.com', false, 'allowed'],
    ['http://app.example.com', 'app.example.com:80', false, 'allowed'],
    ['https://app.example.com', 'app.example.com', false, 'allowed'],
    ['http://evil.example', 'app.example.com', false, 'origin'],
    ['http://localhost', 'localhost', true, 'allowed'],
    ['http://localhost:3000', 'localhost:3000', true, 'allowed'],
    ['http://127.0.0.1:3000', '127.0.0.1:3000', true, 'allowed'],
    ['http://[::1]:3000', '[::1]:3000', true, 'allowed'],
    ['http://localhost:3001', 'localhost:3000', true, 'origin'],
    ['http://localhost.evil.example', 'localhost.evil.example', true, 'origin'],
    ['http://127.0.0.1.evil.example', '127.0.0.1.evil.example', true, 'origin'],
    ['http://app.localhost', 'app.localhost', true, 'origin'],
    ['ftp://app.example.com', 'app.example.com', false, 'origin'],
    ['capacitor://localhost', 'localhost', true, 'origin'],
    ['https://', '', true, 'origin'],
  ])('%s to Host %s (Secure: %s) is %s', (origin, host, cookieSecure, expected) => {
    expect(createCsrf({}, cookieSecure)(headOf('POST', { host, origin }))).toBe(expected)
  })
})

describe('X-03 the effective action', () => {
  test('X-03 a method override in front of the session counts, its header does not', () => {
    const override = { 'x-http-method-override': 'POST', 'sec-fetch-site': 'cross-site' }
    expect(byHost(headOf('DELETE', override))).toBe('cross-site')
    expect(byHost(headOf('GET', override))).toBe('allowed')
    expect(byHost(headOf('POST', { 'x-http-method-override': 'GET', 'sec-fetch-site': 'cross-site' }))).toBe('cross-site')
  })

  test.each(['websocket', 'WebSocket', 'WEBSOCKET', 'h2c, websocket', 'websocket/13', ' websocket'])(
    'X-03 a handshake (Upgrade: %s) needs an Origin that is ours or trusted',
    (upgrade) => {
      for (const method of safe) {
        expect(disagreements(byHost, method, tables.handshake, { upgrade })).toEqual([])
        expect(disagreements(byOption, method, tables.handshake, { upgrade })).toEqual([])
      }
    },
  )

  test('X-03 no other upgrade makes GET unsafe', () => {
    expect(byHost(headOf('GET', { upgrade: 'h2c', 'sec-fetch-site': 'cross-site' }))).toBe('allowed')
  })

  test('X-03 a POST that says it is a handshake is judged as one', () => {
    expect(byHost(request('POST', { origin: undefined, site: undefined }, { upgrade: 'websocket' }))).toBe('upgrade')
  })
})

test('X-04 no content type changes a verdict', () => {
  const types = [
    'TEXT/PLAIN',
    'text/plain',
    'multipart/form-data; x=application/json',
    'application/json',
    'application/json; charset=utf-8',
    'application/jsonx',
    'application/json, text/plain',
    '',
  ]
  for (const row of tables.byHost) {
    const plain = { host: 'app.example.com', ...(row.origin === undefined ? {} : { origin: row.origin }) }
    const headers = row.site === undefined ? plain : { ...plain, 'sec-fetch-site': row.site }
    for (const type of types) expect(byHost(headOf('POST', { ...headers, 'content-type': type }))).toBe(row.expected)
  }
})

/** What both options say to an origin that is none. */
function refused(origin: unknown): string {
  const errors = [{ origin }, { trustedOrigins: [origin] }].map((options) => errorOf(() => createCsrf(options as CsrfOptions, true)))
  expect(errors.map(({ code }) => code)).toEqual(['config_invalid', 'config_invalid'])
  return errors.map(({ message }) => message).join('\n')
}

describe('origins are exact', () => {
  test.each<[unknown, RegExp]>([
    ['https://*.example.com', /without wildcards/],
    ['*', /without wildcards/],
    ['null', /whole origins/],
    ['', /whole origins/],
    ['example.com', /whole origins/],
    ['//example.com', /whole origins/],
    ['localhost:3000', /whole origins/],
    ['https://', /whole origins/],
    ['file:///index.html', /whole origins/],
    [/example/, /whole origins/],
    [5, /whole origins/],
    ['https://app.example.com/', /write 'https:\/\/app\.example\.com'/],
    ['https://app.example.com/path?x#y', /write 'https:\/\/app\.example\.com'/],
    ['https://app.example.com:443', /write 'https:\/\/app\.example\.com'/],
    ['https://App.Example.com', /write 'https:\/\/app\.example\.com'/],
    [' https://app.example.com', /write 'https:\/\/app\.example\.com'/],
    ['https://münchen.example', /write 'https:\/\/xn--mnchen-3ya\.example'/],
    ['http://app.example.com', /write it with https/],
    ['http://localhost.evil.example', /write it with https/],
  ])('%s is refused with what to write instead', (origin, sentence) => {
    expect(refused(origin)).toMatch(sentence)
  })

  test('no message repeats a password', () => {
    expect(refused('https://user:hunter2@app.example.com')).not.toContain('hunter2')
  })

  test.each([
    'https://app.example.com:8443',
    'http://localhost:5173',
    'http://[::1]',
    'chrome-extension://abcdef',
    'capacitor://localhost',
  ])('%s is fine', (origin) => {
    const judge = createCsrf({ trustedOrigins: [origin] }, true)
    expect(judge(headOf('POST', { origin, 'sec-fetch-site': 'cross-site' }))).toBe('allowed')
  })

  test('http is fine where cookies are not Secure', () => {
    const judge = createCsrf({ origin: 'http://app.example.com' }, false)
    expect(judge(headOf('POST', { origin: 'http://app.example.com', host: '10.0.0.7' }))).toBe('allowed')
  })
})

describe('options', () => {
  test.each<[unknown]>([
    [{ trustedOrigins: own }],
    [{ trustedOrigins: null }],
    [{ origin: [] }],
    [{ origin: {} }],
    [{ token: 'yes' }],
    [{ trustProxy: true }],
    [{ trustedOrigin: [own] }],
    [null],
    ['off'],
  ])('%j is refused', (options) => {
    expect(codeOf(() => createCsrf(options as CsrfOptions, true))).toBe('config_invalid')
  })

  test('P-02 a polluted Object.prototype trusts nobody', () => {
    const evil = 'https://evil.example'
    polluted({ origin: evil, trustedOrigins: [evil], token: true }, () => {
      const judge = createCsrf({}, true)
      expect(judge(request('POST', { origin: evil, site: undefined }))).toBe('origin')
      expect(judge(request('POST', { origin: own, site: undefined }))).toBe('allowed')
    })
  })
})
