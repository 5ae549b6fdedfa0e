import { serve, type HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { streamSSE } from 'hono/streaming'
import type { Server } from 'node:http'
import { expect, test } from 'vitest'
import { getSession, honoSessions } from '../../src/adapters/hono.ts'
import { recorded, visiting } from './frameworks.ts'
import { listen, listening } from './harness.ts'

/** Under @hono/node-server. */
const nodeServed = (app: Hono<{ Bindings: HttpBindings }>): Promise<{ url: string; close(): Promise<void> }> =>
  new Promise((resolve) => {
    const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () => resolve(listening(server as Server)))
  })

test('nested applications share the one installation, and app.request works', async () => {
  const { sessions, store } = recorded()
  const app = new Hono()
  const nested = new Hono()
  app.use(honoSessions(sessions))
  nested.use(honoSessions(sessions))
  nested.get('/', async (c) => c.json((await getSession(c)).set('n', 1).get('n')))
  app.route('/nested', nested)
  const answer = await app.request('/nested')
  expect([answer.status, await answer.json(), answer.headers.getSetCookie().length]).toEqual([200, 1, 1])
  expect(store.calls).toEqual(['put'])
})

test("F-03 what could not be stored goes to onError; Hono's own answers its status", async () => {
  const { sessions, store } = recorded()
  const app = new Hono()
  app.use(honoSessions(sessions))
  app.get('/', async (c) => {
    ;(await getSession(c)).set('n', 1)
    return c.text('the answer')
  })
  store.away = new Set(['put', 'get'])
  const own = await app.request('/')
  expect([own.status, await own.text(), own.headers.getSetCookie()]).toEqual([503, 'store_unavailable', []])
  app.onError((error, c) => c.text(`mine: ${'code' in error ? String(error.code) : ''}`, 502))
  const mine = await app.request('/')
  expect([mine.status, await mine.text(), mine.headers.getSetCookie()]).toEqual([502, 'mine: store_unavailable', []])
})

test('after onError, HTTPException and notFound the status decides what is stored', async () => {
  const { sessions } = recorded()
  const app = new Hono()
  app.use(honoSessions(sessions))
  app.use(async (c, next) => {
    ;(await getSession(c)).set('n', 1)
    await next()
  })
  app.get('/500', () => {
    throw new Error('thrown, as the test wants')
  })
  app.get('/401', () => {
    throw new HTTPException(401, { message: 'who?' })
  })
  app.onError((error, c) => (error instanceof HTTPException ? error.getResponse() : c.text('sorry', 500)))
  for (const [path, cookies] of Object.entries({ '/500': 0, '/401': 1, '/missing': 1 })) {
    expect((await app.request(path)).headers.getSetCookie()).toHaveLength(cookies)
  }
})

test('an immutable response is copied, with its own cookies and ours', async () => {
  const { url, close } = await listen((_req, res) => res.writeHead(202, { 'Set-Cookie': 'a=1' }).end('fetched'))
  const { sessions } = recorded()
  const app = new Hono()
  app.use(honoSessions(sessions))
  app.get('/', async (c) => {
    ;(await getSession(c)).set('n', 1)
    return fetch(url)
  })
  const answer = await app.request('/')
  expect([answer.status, await answer.text()]).toEqual([202, 'fetched'])
  await close()
  expect(answer.headers.getSetCookie().map((line) => line.split('=')[0])).toEqual(['a', 'session'])
})

test('streamSSE: an edit made while it streams is stored before it ends, with and without Node', async () => {
  const { sessions, store } = recorded()
  const app = new Hono<{ Bindings: HttpBindings }>()
  app.use(honoSessions(sessions))
  app.get('/', async (c) => {
    const session = await getSession(c)
    session.set('n', 1)
    return streamSSE(c, async (stream) => {
      await stream.writeSSE({ data: 'begin' })
      await stream.sleep(5)
      session.set('n', 2)
      store.delayMs = 40
      await stream.writeSSE({ data: 'end' })
    })
  })
  const alone = await app.request('/')
  expect(alone.headers.getSetCookie()).toHaveLength(1)
  expect(await alone.text()).toBe('data: begin\n\ndata: end\n\n')
  expect([...store.rows.values()].map((row) => row.version)).toEqual(['2'])
  store.delayMs = 0
  const served = await (await visiting(nodeServed(app))).get('/')
  expect([served.body, served.setCookies.length]).toEqual(['data: begin\n\ndata: end\n\n', 1])
  expect([...store.rows.values()].map((row) => row.version)).toEqual(['2', '4'])
})

test('a handler that answers on the Node response itself: stored before the first byte, or a 503', async () => {
  const { sessions, store } = recorded()
  const app = new Hono<{ Bindings: HttpBindings }>()
  app.use(honoSessions(sessions))
  app.get('/', async (c) => {
    ;(await getSession(c)).set('n', 1)
    if (c.req.query('later') !== undefined) await new Promise((resolve) => setTimeout(resolve, 5))
    const answer = (): void => void c.env.outgoing.writeHead(201, { 'x-raw': '1' }).end('raw')
    if (c.req.query('after') === undefined) answer()
    else setTimeout(answer, 5)
    return RESPONSE_ALREADY_SENT
  })
  for (const path of ['/', '/?later', '/?after']) {
    store.away = new Set()
    store.calls.length = 0
    const browser = await visiting(nodeServed(app))
    const answer = await browser.get(path)
    expect([answer.status, answer.header('x-raw'), answer.body, answer.setCookies.length]).toEqual([201, '1', 'raw', 1])
    expect(store.calls).toEqual(['put'])
    browser.cookies.clear()
    store.away = new Set(['put'])
    const refused = await browser.get(path)
    expect([refused.status, refused.body, refused.setCookies]).toEqual([503, 'store_unavailable', []])
  }
})

test('on Node a string body keeps its Content-Length', async () => {
  const app = new Hono<{ Bindings: HttpBindings }>()
  app.use(honoSessions(recorded().sessions))
  app.get('/', async (c) => c.text(String((await getSession(c)).isNew)))
  expect((await (await visiting(nodeServed(app))).get('/')).header('content-length')).toBe('4')
})

test('H-05 H-06 under @hono/node-server, headers that a middleware in front sets afterwards do not make a ticket public', async () => {
  const { sessions } = recorded()
  const app = new Hono<{ Bindings: HttpBindings }>()
  app.use(async (c, next) => {
    await next()
    c.header('Cache-Control', 'public, max-age=600')
    c.header('Vary', 'Accept-Encoding')
    if (c.req.path === '/throw') throw new Error('thrown, as the test wants')
  })
  app.use(honoSessions(sessions))
  app.get('*', async (c) => ((await getSession(c)).signIn('ada'), c.text('the answer')))
  app.onError((_error, c) => c.text('failed', 500))
  const browser = await visiting(nodeServed(app))
  for (const [path, status] of [
    ['/', 200],
    ['/throw', 500],
  ] as const) {
    const answer = await browser.get(path)
    expect([answer.status, answer.setCookies.length]).toEqual([status, 1])
    expect([answer.header('cache-control'), answer.header('vary')]).toEqual(['private, no-store', 'Accept-Encoding, Cookie'])
  }
})

test.each<[string, () => Response]>([
  ['without a body', () => new Response(null, { status: 204 })],
  ['of text, which @hono/node-server can send again', () => new Response('welcome')],
])('R-08 a response kept for everybody, %s, hands no ticket on', async (_, make) => {
  const { sessions } = recorded()
  const app = new Hono<{ Bindings: HttpBindings }>()
  let kept: Response | undefined
  app.use(honoSessions(sessions))
  app.get('*', async (c) => {
    kept ??= make()
    if (c.req.path === '/in') (await getSession(c)).signIn('ada')
    return kept
  })
  const browser = await visiting(nodeServed(app))
  expect((await browser.get('/in')).setCookies).toHaveLength(1)
  expect((await browser.get('/')).setCookies).toEqual([])
  kept = new Response(null, { status: 204 })
  expect((await app.request('/in')).headers.getSetCookie()).toHaveLength(1)
  expect((await app.request('/')).headers.getSetCookie()).toEqual([])
})
