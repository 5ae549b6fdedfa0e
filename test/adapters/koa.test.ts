import Koa from 'koa'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { getSession, koaSessions } from '../../src/adapters/koa.ts'
import { recorded, visiting } from './frameworks.ts'
import { listen } from './harness.ts'

function application(): Koa {
  const app = new Koa()
  app.silent = true
  return app
}

test('getSession takes ctx, ctx.request and the raw request, and a second koaSessions changes nothing', async () => {
  const { sessions, store } = recorded()
  const app = application()
  app.use(koaSessions(sessions)).use(koaSessions(sessions))
  app.use(async (ctx) => {
    const all = await Promise.all([ctx, ctx.request, ctx.req].map((one) => getSession(one)))
    all[0]?.set('n', 1)
    ctx.body = all.every((one) => one === all[0])
  })
  const answer = await (await visiting(listen(app.callback()))).get('/')
  expect([answer.body, answer.setCookies.length, store.calls]).toEqual(['true', 1, ['put']])
})

test('F-03 what could not be stored is thrown to the middleware in front', async () => {
  const { sessions, store } = recorded()
  const app = application()
  app.use(async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      ctx.status = (error as { status: number }).status
      ctx.body = `caught ${(error as { code: string }).code}`
    }
  })
  app.use(koaSessions(sessions))
  app.use(async (ctx) => {
    ;(await getSession(ctx)).set('n', 1)
    ctx.body = 'the answer'
  })
  store.away = new Set(['put'])
  const answer = await (await visiting(listen(app.callback()))).get('/')
  expect([answer.status, answer.body, answer.setCookies]).toEqual([503, 'caught store_unavailable', []])
})

test('an error that a middleware in front turns into an answer: its status decides', async () => {
  const { sessions, store } = recorded()
  const app = application()
  app.use(async (ctx, next) => {
    await next().catch(() => (ctx.status = Number(ctx.query['status'])))
  })
  app.use(koaSessions(sessions))
  app.use(async (ctx) => {
    ;(await getSession(ctx)).set('n', 1)
    throw new Error('thrown, as the test wants')
  })
  const browser = await visiting(listen(app.callback()))
  expect((await browser.get('/?status=500')).setCookies).toEqual([])
  expect(store.rows.size).toBe(0)
  expect((await browser.get('/?status=400')).setCookies).toHaveLength(1)
})

test('ctx.respond = false and ctx.res: stored before the first byte, and a store that is away is a 503', async () => {
  const { sessions, store } = recorded()
  const app = application()
  app.use(koaSessions(sessions))
  app.use(async (ctx) => {
    ;(await getSession(ctx)).set('n', 1)
    const answer = (): void => void ctx.res.writeHead(201, { 'x-raw': '1' }).end('raw')
    if (ctx.path === '/bypass') {
      ctx.respond = false
      setTimeout(answer, 5)
    } else {
      answer()
    }
    if (ctx.path === '/stays') await new Promise((resolve) => setTimeout(resolve, 25))
  })
  const errors: unknown[] = []
  app.on('error', (error) => errors.push(error))
  store.delayMs = 10
  for (const path of ['/bypass', '/stays', '/left']) {
    store.away = new Set()
    errors.length = 0
    const browser = await visiting(listen(app.callback()))
    const answer = await browser.get(path)
    expect([answer.status, answer.header('x-raw'), answer.body, answer.setCookies.length]).toEqual([201, '1', 'raw', 1])
    expect(errors).toEqual([])
    store.away = new Set(['put'])
    const refused = await browser.get(path, { headers: { cookie: '' } })
    expect([refused.status, refused.body, refused.setCookies]).toEqual([503, 'Service Unavailable', []])
  }
})

test('a stream, a web stream, a Response, a 204 and ctx.throw carry the cookie', async () => {
  const { sessions, store } = recorded()
  const app = application()
  app.use(koaSessions(sessions))
  app.use(async (ctx) => {
    ;(await getSession(ctx)).set('n', 1)
    if (ctx.path === '/204') ctx.body = null
    if (ctx.path === '/throw') ctx.throw(403, 'no')
    if (ctx.path === '/stream') ctx.body = Readable.from(['bo', 'dy'])
    if (ctx.path === '/web') ctx.body = new Blob(['body']).stream()
    if (ctx.path === '/response') ctx.body = new Response('body')
  })
  const serving = listen(app.callback())
  const none = await (await visiting(serving)).get('/204')
  expect([none.status, none.setCookies.length]).toEqual([204, 1])
  const thrown = await (await visiting(serving)).get('/throw')
  expect([thrown.status, thrown.body, store.rows.size]).toEqual([403, 'no', 2])
  for (const path of ['/stream', '/web', '/response']) {
    const answer = await (await visiting(serving)).get(path)
    expect([answer.status, answer.body, answer.setCookies.length]).toEqual([200, 'body', 1])
  }
})

test('H-05 H-06 headers that a middleware in front sets afterwards do not make a ticket public', async () => {
  const { sessions } = recorded()
  const app = application()
  app.use(async (ctx, next) => {
    await next()
    ctx.set({ 'Cache-Control': 'public, max-age=600', Vary: 'Accept-Encoding', 'Set-Cookie': 'mine=1' })
  })
  app.use(koaSessions(sessions))
  app.use(async (ctx) => {
    const session = await getSession(ctx)
    if (ctx.path === '/in') session.signIn('ada')
    ctx.body = 'the answer'
  })
  const browser = await visiting(listen(app.callback()))
  const signedIn = await browser.get('/in')
  expect([signedIn.header('cache-control'), signedIn.header('vary')]).toEqual(['private, no-store', 'Accept-Encoding, Cookie'])
  expect(signedIn.setCookies.map((line) => line.split('=')[0])).toEqual(['mine', 'session'])
  const read = await browser.get('/')
  expect([read.header('cache-control'), read.header('vary')]).toEqual(['public, max-age=600', 'Accept-Encoding, Cookie'])
})

test('H-04 an error further out, when the session is stored: its answer carries the ticket', async () => {
  const { sessions, store } = recorded()
  const app = application()
  app.use(async (_ctx, next) => {
    await next()
    throw new Error('thrown, as the test wants')
  })
  app.use(koaSessions(sessions))
  app.use(async (ctx) => {
    ;(await getSession(ctx)).signIn('ada')
    ctx.body = 'the answer'
  })
  const answer = await (await visiting(listen(app.callback()))).get('/')
  expect([answer.status, answer.setCookies.length, store.rows.size]).toEqual([500, 1, 1])
  expect([answer.header('cache-control'), answer.header('vary')]).toEqual(['private, no-store', 'Cookie'])
})
