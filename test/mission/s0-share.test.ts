import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { createSessions, type HeadersLike } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { all, counted, secret, spill, stored } from '../support/backends.ts'
import { cookieName, holder, listener, tokenOf } from '../support/raw.ts'
import { Visitor } from '../support/visitor.ts'

const minuteMs = 60_000
const newer = 'the secret that replaces the other one 0123456789'
const large = 'x'.repeat(5_000)

/** Cookie, cache, database, and both halves of the one that spills. */
const places = [
  ...all.map((backend) => ({ name: backend.name, backend, value: 'small' })),
  { name: 'spilled', backend: spill, value: large },
]

/** A Node request as a server gets it. */
async function nodeRequest(cookie: string, method = 'GET', more: Record<string, string> = {}): Promise<IncomingMessage> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const arrived = new Promise<IncomingMessage>((resolve) => server.once('request', (req, res) => (res.end(), resolve(req))))
  await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, { method, headers: { cookie, ...more } })
  server.close()
  server.closeAllConnections()
  return arrived
}

describe.each(places)('S0 on $name', ({ backend, value }) => {
  it('S0.1 S0.8 S0.11 a service with the header, the secret and the store reads the session, and changes nothing', async () => {
    const { sessions, again, store, advance, close } = backend.setup({ lifetime: { idle: '30m', absolute: '8h' } })
    const { visitor } = await holder(sessions, value)
    const api = again()
    advance(10 * minuteMs)
    const { cookie } = visitor
    const req = await nodeRequest(cookie)
    store?.calls.splice(0)
    const forms: HeadersLike[] = [
      cookie,
      `other=1; ${cookie}; more=2`,
      new Headers({ cookie }),
      new Request('https://api.test/', { headers: { cookie } }),
      req,
      req.headers,
      { cookie: ['a=b', cookie] },
      { headers: new Map([['cookie', cookie]]) as unknown as Headers },
    ]
    for (const form of forms) {
      const session = await api.peek(form)
      expect([session?.get('mine'), session?.user, session?.isNew]).toEqual([value, null, false])
    }
    const session = await api.peek(cookie)
    for (const edit of [
      () => session?.set('a', 1),
      () => session?.delete('mine'),
      () => session?.clear(),
      () => session?.rotate(),
      () => session?.signIn('x'),
      () => session?.destroy(),
      () => session?.update('a', () => 1),
      () => session?.flash('x'),
    ]) {
      expect(edit).toThrowError(expect.objectContaining({ code: 'session_read_only' }))
    }
    await expect(session?.take('mine')).rejects.toMatchObject({ code: 'session_read_only' })
    expect((store?.calls ?? []).filter((call) => call !== 'get')).toEqual([])
    advance(20 * minuteMs)
    expect(await api.peek(cookie)).not.toBeNull()
    advance(1)
    expect(await api.peek(cookie)).toBeNull()
    await close()
  })

  it('S0.2 one flipped bit anywhere in the cookie is no session', async () => {
    const { sessions, close } = backend.setup()
    const { visitor } = await holder(sessions, value)
    const bytes = Buffer.from(visitor.cookie)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes)
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(await sessions.peek(flipped.toString('latin1')), `bit ${bit}`).toBeNull()
    }
    await close()
  })

  it('S0.3 T-08 the same value under another cookie name is no session', async () => {
    const { sessions, again, close } = backend.setup()
    const { token } = await holder(sessions, value)
    expect(await again({ cookie: { name: '__Host-other' } }).peek(`__Host-other=${token}`)).toBeNull()
    for (const name of ['session', '__host-session', '__Host-Session', '__Host-session2', 'x__Host-session', '$Version', '']) {
      expect(await sessions.peek(`${name}=${token}`)).toBeNull()
    }
    await close()
  })

  it('S0.4 age exactly at the limit is still valid, one second more is not', async () => {
    for (const lifetime of [
      { idle: '1h', absolute: '9h' },
      { idle: '9h', absolute: '9h' },
    ] as const) {
      const limitMs = lifetime.idle === '1h' ? 60 * minuteMs : 540 * minuteMs
      const { sessions, advance, close } = backend.setup({ lifetime })
      const { visitor } = await holder(sessions, value)
      advance(limitMs)
      expect(await sessions.peek(visitor.cookie)).not.toBeNull()
      advance(1_000)
      expect(await sessions.peek(visitor.cookie)).toBeNull()
      await close()
    }
  })

  it('S0.5 S0.6 S0.11 no header, no cookie, too few or too many parts, junk: null, nothing throws, no store call', async () => {
    const { sessions, store, close } = backend.setup()
    const { token } = await holder(sessions, value)
    store?.calls.splice(0)
    const values = [
      '',
      '=',
      token.slice(0, 50),
      token.slice(0, -1),
      `${token}.${token}`,
      `${token}${token}`,
      'a.b.c.d.e',
      'x'.repeat(5_000),
      '\0',
      '{"id":1}',
      '../../etc',
      'null',
    ]
    const nothing: unknown[] = [
      '',
      ';',
      {},
      { headers: {} },
      new Headers(),
      new Request('https://api.test/'),
      { cookie: undefined },
      { cookie: [] },
      { headers: { cookie: '' } },
      undefined,
      null,
    ]
    for (const headers of [...nothing, ...values.map((one) => `${cookieName}=${one}`)]) {
      expect(await sessions.peek(headers as HeadersLike | null | undefined)).toBeNull()
    }
    expect(store?.calls ?? []).toEqual([])
    await close()
  })

  it('S0.9 the service writes too: each sees the other’s changes, and interleaved neither loses a key', async () => {
    const { sessions, again, close } = backend.setup()
    const { visitor } = await holder(sessions, value)
    const api = again()
    const caller = (): Visitor => new Visitor(api, visitor.jar)
    const service = caller()
    await service.visit((session) => session.set('api', 1))
    if (backend.carrier === 'stored') expect((await visitor.visit((session) => session.get('api'))).result).toBe(1)
    visitor.receive({ outcome: 'stored', setCookies: [`${cookieName}=${tokenOf(service)}`], headers: [], vary: null })
    await visitor.visit((session) => session.set('web', 1))
    expect((await api.peek(visitor.cookie))?.toJSON()).toEqual({ mine: value, api: 1, web: 1 })
    if (tokenOf(visitor).startsWith('t1')) {
      const [web, other] = await Promise.all([visitor.begin(), caller().begin()])
      web.session.set('web', 2)
      other.session.set('api', 2)
      await Promise.all([web.finish(), other.finish()])
      expect((await visitor.visit((session) => session.toJSON())).result).toEqual({ mine: value, api: 2, web: 2 })
    }
    await close()
  })

  it('S0.13 T-07 old and new secret both verify while one replaces the other', async () => {
    const { again, close } = backend.setup()
    const [before, during, after] = [again({ secret }), again({ secret: [newer, secret] }), again({ secret: newer })]
    const { visitor } = await holder(before, value)
    expect(await during.peek(visitor.cookie)).not.toBeNull()
    expect(await after.peek(visitor.cookie)).toBeNull()
    const fresh = await holder(during, value)
    expect(await after.peek(fresh.visitor.cookie)).not.toBeNull()
    expect(await before.peek(fresh.visitor.cookie)).toBeNull()
    await close()
  })

  it('S0.14 X-02 a request without a Host line is judged by what says the same: the URL, or :authority under HTTP/2', async () => {
    const { sessions, close } = backend.setup()
    const visitor = new Visitor(sessions)
    await visitor.visit((session) => session.set('a', 1))
    const { cookie } = visitor
    for (const [origin, opens] of [
      ['https://api.test', true],
      ['https://evil.test', false],
    ] as const) {
      const fetched = new Request('https://api.test/', { method: 'POST', headers: { cookie, origin } })
      const http2 = { method: 'POST', headers: { cookie, origin, ':authority': 'api.test' } }
      for (const request of [fetched, http2]) expect((await sessions.peek(request)) !== null).toBe(opens)
    }
    await close()
  })

  it('S0.14 a whole request with an unsafe method is judged by its origin, bare headers are not', async () => {
    const { onEvent, rejections } = listener()
    const { sessions, close } = backend.setup({ onEvent, csrf: { origin: 'https://api.test' } })
    const { visitor } = await holder(sessions, value)
    const { cookie } = visitor
    const post = (more: Record<string, string>): Request =>
      new Request('https://api.test/', { method: 'POST', headers: { cookie, ...more } })
    const foreign = { origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' }
    expect(await sessions.peek(post({ origin: 'https://api.test', 'sec-fetch-site': 'same-origin' }))).not.toBeNull()
    rejections()
    expect(await sessions.peek(post(foreign))).toBeNull()
    expect(await sessions.peek({ method: 'DELETE', headers: { cookie, ...foreign } })).toBeNull()
    expect(await sessions.peek(await nodeRequest(cookie, 'PUT', foreign))).toBeNull()
    expect(rejections()).toEqual(['csrf', 'csrf', 'csrf'])
    expect(await sessions.peek({ cookie, ...foreign })).not.toBeNull()
    await close()
  })

  it('S0.15 O-01 neither the cookie nor a value is in any event or error', async () => {
    const { onEvent, events } = listener()
    const { sessions, close } = backend.setup({ onEvent })
    const { visitor, token } = await holder(sessions, value)
    await sessions.peek(`${visitor.cookie}x`)
    await sessions.peek(visitor.cookie.replace('session', 'Session'))
    await visitor.visit((session) => session.destroy())
    await sessions.peek(`${cookieName}=${token}`)
    expect(events.length).toBeGreaterThan(1)
    for (const part of [token, token.slice(-24), token.slice(32, 76), large]) expect(JSON.stringify(events)).not.toContain(part)
    await close()
  })
})

describe.each(stored)('S0 on $name', (backend) => {
  it('S0.10 a logout in the web app is a logout in the service, at once', async () => {
    const { sessions, again, close } = backend.setup()
    const api = again()
    for (const end of ['destroy', 'revoke', 'signIn'] as const) {
      const { visitor, id } = await holder(sessions)
      const { cookie } = visitor
      expect(await api.peek(cookie)).not.toBeNull()
      if (end === 'revoke') expect(await sessions.revoke(id)).toBe(true)
      else await visitor.visit((session) => (end === 'destroy' ? session.destroy() : session.signIn('ada')))
      expect(await api.peek(cookie)).toBeNull()
    }
    await close()
  })
})

it('S0.6 a genuine ticket is one store call, however often its header is looked at', async () => {
  const store = counted(memoryStore())
  const sessions = createSessions({ secret, store })
  const { visitor } = await holder(sessions)
  store.calls.splice(0)
  await sessions.peek(visitor.cookie)
  expect(store.calls).toEqual(['get'])
  await sessions.close()
})
