import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { applyOutgoing, type HeaderPort } from '../../src/http/outgoing.ts'
import type { Outgoing } from '../../src/http/types.ts'

const ours = '__Host-session=t; Path=/; Secure; HttpOnly; SameSite=Lax'
const nothing: Outgoing = { outcome: 'untouched', setCookies: [], headers: [], vary: null }
const withCookie: Outgoing = { ...nothing, outcome: 'stored', setCookies: [ours] }

type Headers = Record<string, string | readonly string[]>

/** A response with these headers on, after the outgoing was applied. */
function applied(outgoing: Outgoing, before: Headers = {}): Headers {
  const after = new Map(Object.entries(before).map(([name, value]) => [name.toLowerCase(), value]))
  applyOutgoing(outgoing, { get: (name) => after.get(name.toLowerCase()), set: (name, value) => after.set(name.toLowerCase(), value) })
  return Object.fromEntries(after)
}

const untouchable: HeaderPort = {
  get: (name) => expect.unreachable(`read ${name}`),
  set: (name) => expect.unreachable(`set ${name}`),
}

test('H-06 a response the session has nothing to say on is neither read nor written', () => {
  applyOutgoing(nothing, untouchable)
})

describe('H-03 cookies of the application', () => {
  test.each<[string, string | readonly string[] | undefined, readonly string[]]>([
    ['none', undefined, []],
    ['an empty list', [], []],
    ['a string', 'a=1; Path=/', ['a=1; Path=/']],
    ['an array', ['a=1', 'b=2; Expires=Sat, 21 Nov 2026 00:00:00 GMT'], ['a=1', 'b=2; Expires=Sat, 21 Nov 2026 00:00:00 GMT']],
    [
      'names that only look like ours',
      ['__host-session=1', '__Host-session2=1', 'x=__Host-session=1', '__Host-sessio=1'],
      ['__host-session=1', '__Host-session2=1', 'x=__Host-session=1', '__Host-sessio=1'],
    ],
    ['our name', '__Host-session=app; Path=/', []],
    ['our name among others', ['a=1', ' __Host-session =app', '__Host-session=', '__Host-session; Path=/', 'b=2'], ['a=1', 'b=2']],
  ])('H-03 %s: kept, ours once and last, a line each', (_, before, kept) => {
    const headers = applied(withCookie, before === undefined ? {} : { 'Set-Cookie': before })
    expect(headers['set-cookie']).toEqual([...kept, ours])
  })

  test('H-03 the application cookies are kept when we only read', () => {
    expect(applied({ ...nothing, vary: 'Cookie' }, { 'Set-Cookie': 'a=1' })).toEqual({ 'set-cookie': 'a=1', vary: 'Cookie' })
  })

  test('H-03 several named sessions: a cookie each', () => {
    const prefs = '__Host-prefs=p; Path=/'
    const headers = applied({ ...withCookie, setCookies: [ours, prefs] }, { 'Set-Cookie': ['__Host-prefs=app', 'a=1'] })
    expect(headers['set-cookie']).toEqual(['a=1', ours, prefs])
  })

  test('H-03 applied twice, to real Headers too, ours is there once', () => {
    const headers = new Headers([
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
    ])
    const port: HeaderPort = {
      get: (name) => (name.toLowerCase() === 'set-cookie' ? headers.getSetCookie() : (headers.get(name) ?? undefined)),
      set(name, value) {
        headers.delete(name)
        for (const line of [value].flat()) headers.append(name, line)
      },
    }
    const outgoing: Outgoing = { ...withCookie, vary: 'Cookie' }
    applyOutgoing(outgoing, port)
    applyOutgoing(outgoing, port)
    expect(headers.getSetCookie()).toEqual(['a=1', 'b=2', ours])
    expect(headers.get('vary')).toBe('Cookie')
    expect(headers.get('cache-control')).toBe('private, no-store')
  })

  test('H-03 whatever the application set, nothing of it is lost and order stays', () => {
    const name = fc.stringMatching(/^[a-z]{1,3}$/)
    fc.assert(
      fc.property(
        fc.array(fc.tuple(name, fc.stringMatching(/^[!-:<-~]{0,8}$/))),
        fc.uniqueArray(name, { minLength: 1 }),
        (theirs, mine) => {
          const lines = theirs.map(([key, value]) => `${key}=${value}; Path=/`)
          const setCookies = mine.map((key) => `${key}=ours`)
          const expected = [...lines.filter((_, at) => !mine.includes(theirs[at]?.[0] ?? '')), ...setCookies]
          expect(applied({ ...nothing, setCookies }, { 'Set-Cookie': lines })['set-cookie']).toEqual(expected)
        },
      ),
    )
  })
})

describe('H-05 caches', () => {
  test.each<[string | readonly string[] | undefined, string | readonly string[]]>([
    [undefined, 'private, no-store'],
    ['', 'private, no-store'],
    ['public', 'private, no-store'],
    ['public, max-age=60', 'private, no-store'],
    ['Public,S-MaxAge=60', 'private, no-store'],
    ['max-age=60', 'private, no-store'],
    ['no-cache', 'private, no-store'],
    ['private, s-maxage=60', 'private, no-store'],
    ['public, private', 'private, no-store'],
    ['private="x-user"', 'private, no-store'],
    ['private="x, no-store, y"', 'private, no-store'],
    ['no-cache="x, private', 'private, no-store'],
    ['x-no-store', 'private, no-store'],
    [['max-age=60', 'public'], 'private, no-store'],
    ['no-store', 'no-store'],
    ['No-Store, must-revalidate', 'No-Store, must-revalidate'],
    ['private', 'private'],
    ['private, max-age=60', 'private, max-age=60'],
    ['max-age=0 ,\tPRIVATE', 'max-age=0 ,\tPRIVATE'],
    [
      ['max-age=0', 'private'],
      ['max-age=0', 'private'],
    ],
  ])('H-05 Cache-Control %j becomes %j', (before, after) => {
    const headers = before === undefined ? {} : { 'Cache-Control': before }
    expect(applied(withCookie, headers)['cache-control']).toEqual(after)
    const ticket: Outgoing = { ...nothing, headers: [['x-session', 't']] }
    expect(applied(ticket, headers)).toEqual({ 'cache-control': after, 'x-session': 't' })
  })

  test.each([
    'CDN-Cache-Control',
    'Surrogate-Control',
    'Cloudflare-CDN-Cache-Control',
    'Netlify-CDN-Cache-Control',
    'Vercel-CDN-Cache-Control',
    'Akamai-Cache-Control',
  ])('H-05 %s overrules Cache-Control, so it is held back as well', (name) => {
    const key = name.toLowerCase()
    expect(applied(withCookie, { [name]: 'max-age=60' })[key]).toBe('private, no-store')
    expect(applied(withCookie, { [name]: 'no-store' })[key]).toBe('no-store')
    expect(Object.keys(applied(withCookie)).toSorted()).toEqual(['cache-control', 'set-cookie'])
  })

  test('H-05 X-Accel-Expires, which nginx lets overrule Cache-Control, is held back as well', () => {
    expect(applied(withCookie, { 'X-Accel-Expires': '600' })['x-accel-expires']).toBe('0')
    expect(applied(withCookie)['x-accel-expires']).toBeUndefined()
    expect(applied({ ...nothing, vary: 'Cookie' }, { 'X-Accel-Expires': '600' })['x-accel-expires']).toBe('600')
  })

  test('H-05 a session that was only read leaves caching to the application', () => {
    expect(applied({ ...nothing, vary: 'Cookie' }, { 'Cache-Control': 'public' })).toEqual({ 'cache-control': 'public', vary: 'Cookie' })
  })

  test('H-05 a deletion is kept out of caches too', () => {
    expect(applied({ ...nothing, headers: [['x-session', '']] })['cache-control']).toBe('private, no-store')
  })

  test('D-08 and H-05 a header of 64 KiB quotes takes no quadratic time', () => {
    const value = '"\\'.repeat(32_768)
    const begin = performance.now()
    expect(applied(withCookie, { 'Cache-Control': value })['cache-control']).toBe('private, no-store')
    expect(performance.now() - begin).toBeLessThan(200)
  })
})

describe('H-06 Vary', () => {
  test('H-06 sessions in a cookie and in a header: each name once, also when it is there already, and applied twice', () => {
    const both = { ...nothing, vary: 'Cookie, x-session' }
    expect(applied(both)['vary']).toBe('Cookie, x-session')
    expect(applied(both, { Vary: 'Accept, cookie' })['vary']).toBe('Accept, cookie, x-session')
    expect(applied(both, applied(both))['vary']).toBe('Cookie, x-session')
    expect(applied({ ...nothing, vary: 'Cookie, x-a, Cookie' })['vary']).toBe('Cookie, x-a')
  })

  test.each<[string | readonly string[] | undefined, string, string | readonly string[]]>([
    [undefined, 'Cookie', 'Cookie'],
    ['', 'Cookie', 'Cookie'],
    ['Origin', 'Cookie', 'Origin, Cookie'],
    ['Origin,Accept-Encoding', 'Cookie', 'Origin,Accept-Encoding, Cookie'],
    ['Origin', 'x-session', 'Origin, x-session'],
    ['X-Cookie', 'Cookie', 'X-Cookie, Cookie'],
    [['Origin', 'Accept'], 'Cookie', 'Origin, Accept, Cookie'],
    ['Cookie', 'Cookie', 'Cookie'],
    ['cookie', 'Cookie', 'cookie'],
    ['Origin , COOKIE', 'Cookie', 'Origin , COOKIE'],
    ['X-Session', 'x-session', 'X-Session'],
    [['Origin', 'cookie'], 'Cookie', ['Origin', 'cookie']],
    ['*', 'Cookie', '*'],
    ['Origin, *', 'Cookie', 'Origin, *'],
  ])('H-06 %j and %s make %j', (before, vary, after) => {
    expect(applied({ ...nothing, vary }, before === undefined ? {} : { Vary: before })).toEqual({ vary: after })
  })
})
