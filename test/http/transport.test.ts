import { describe, expect, test } from 'vitest'
import { cookieTransport, headerTransport } from '../../src/http/transport.ts'
import { codeOf, fastestMs, headOf } from './support.ts'

const nowMs = Date.UTC(2026, 10, 21)
const head = (headers: Record<string, string>) => headOf('GET', headers)

describe('the cookie transport', () => {
  const transport = cookieTransport({}, 'session')

  test('reads, sends and forgets', () => {
    expect(transport.read(head({ cookie: 'a=1; __Host-session=t' }))).toEqual(['t'])
    expect(transport.read(head({}))).toEqual([])
    expect(transport.send('t', 1000, nowMs)).toEqual({
      setCookies: ['__Host-session=t; Max-Age=1; Expires=Sat, 21 Nov 2026 00:00:01 GMT; Path=/; Secure; HttpOnly; SameSite=Lax'],
      headers: [],
    })
    expect(transport.send('t', null, nowMs).setCookies).toEqual(['__Host-session=t; Path=/; Secure; HttpOnly; SameSite=Lax'])
    expect(transport.forget().setCookies).toEqual([
      '__Host-session=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; Secure; HttpOnly; SameSite=Lax',
    ])
    expect(transport.forget().headers).toEqual([])
  })

  test('says what depends on it', () => {
    expect(transport).toMatchObject({ vary: 'Cookie', ambient: true, name: '__Host-session', secure: true })
    expect(cookieTransport({ secure: false, name: 'sid' }, 'session')).toMatchObject({ name: 'sid', secure: false })
  })

  test('C-02 gives up on more than four candidates', () => {
    const four = [0, 1, 2, 3].map((n) => `__Host-session=${n}`).join('; ')
    expect(transport.read(head({ cookie: four }))).toEqual(['0', '1', '2', '3'])
    expect(transport.read(head({ cookie: `${four}; __Host-session=4` }))).toBeNull()
  })

  test('a token of tokenBytesMax fits whatever its life', () => {
    const token = 'x'.repeat(transport.tokenBytesMax)
    expect(transport.send(token, 400 * 86_400_000, nowMs).setCookies[0]).toHaveLength(4096)
    expect(codeOf(() => transport.send(`${token}x`, 400 * 86_400_000, nowMs))).toBe('cookie_too_large')
  })
})

describe('the header transport', () => {
  const transport = headerTransport('X-Session')
  const read = (value: string) => transport.read(head({ 'x-session': value }))

  test('reads, sends and forgets', () => {
    expect(read('t')).toEqual(['t'])
    expect(transport.read(head({ cookie: '__Host-session=t; x-session=t' }))).toEqual([])
    expect(transport.send('t', 1000, nowMs)).toEqual({ setCookies: [], headers: [['x-session', 't']] })
    expect(transport.forget()).toEqual({ setCookies: [], headers: [['x-session', '']] })
    expect(transport).toMatchObject({ vary: 'x-session', ambient: false, name: 'x-session', secure: false })
  })

  test('C-02 takes lines joined by commas apart, in any order, at most four different ones', () => {
    expect(read('junk, good')).toEqual(['junk', 'good'])
    expect(read('good,junk')).toEqual(['good', 'junk'])
    expect(read('good,\tgood , good')).toEqual(['good'])
    expect(read('1,2,3,4,4')).toHaveLength(4)
    expect(read('1,2,3,4,5')).toBeNull()
    expect(read('')).toEqual([])
    expect(read(' , ,\t')).toEqual([])
  })

  test('C-04 only SP and HTAB are blanks', () => {
    for (let byte = 0; byte < 256; byte++) {
      const char = String.fromCharCode(byte)
      if (char === ',') continue
      const blank = char === ' ' || char === '\t'
      expect(read(`${char}t${char}`), `byte ${byte}`).toEqual([blank ? 't' : `${char}t${char}`])
    }
    for (const wide of ['\u00a0', '\u2003', '\ufeff', '\u3000', '\u0085']) expect(read(`${wide}t`)).toEqual([`${wide}t`])
    expect(read('t u')).toEqual(['t u'])
  })

  test('C-14 reads 16 KiB of anything in under 1 ms', () => {
    for (const pattern of [',', ' ', ' ,', 'a,', `${' '.repeat(100)}a,`, 'a']) {
      const value = pattern.repeat(16_384 / pattern.length)
      expect(
        fastestMs(() => read(value)),
        pattern,
      ).toBeLessThan(1)
    }
  })

  test('H-01 sends no byte that ends or splits a header', () => {
    for (let code = 0; code < 0x400; code++) {
      const char = String.fromCharCode(code)
      const fine = code > 0x20 && code < 0x7f && char !== ','
      const run = () => transport.send(`t${char}`, null, nowMs)
      if (fine) expect(run().headers).toEqual([['x-session', `t${char}`]])
      else expect(codeOf(run), `${code}`).toBe('value_invalid')
    }
    expect(codeOf(() => transport.send('', null, nowMs))).toBe('value_invalid')
  })

  test('C-07 refuses what does not fit', () => {
    expect(transport.tokenBytesMax).toBe(4096)
    expect(transport.send('x'.repeat(4096), null, nowMs).headers[0]?.[1]).toHaveLength(4096)
    expect(codeOf(() => transport.send('x'.repeat(4097), null, nowMs))).toBe('cookie_too_large')
  })

  test.each(['', 'x session', 'x:session', 'x-séance', 'x-session\r\n', 'a'.repeat(65), 5, null, undefined])(
    'H-01 %j is no header name',
    (name) => {
      expect(codeOf(() => headerTransport(name as string))).toBe('config_invalid')
    },
  )

  test.each([
    'Cookie',
    'set-cookie',
    'Authorization',
    'Host',
    'Vary',
    'Sec-Fetch-Site',
    'Proxy-X',
    'Content-Type',
    'Access-Control-Max-Age',
  ])('%s already means something', (name) => {
    expect(codeOf(() => headerTransport(name))).toBe('config_invalid')
  })
})
