import express, { type ErrorRequestHandler } from 'express'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { expressSessions, getSession } from '../../src/adapters/express.ts'
import { recorded, visiting } from './frameworks.ts'
import { listen } from './harness.ts'

const thisFile = fileURLToPath(import.meta.url)

test('nested routers and mounted applications share the one installation', async () => {
  const { sessions, store } = recorded()
  const app = express()
  const router = express.Router()
  const mounted = express()
  for (const one of [app, router, mounted]) one.use(expressSessions(sessions))
  router.get('/', async (req, res) => {
    ;(await getSession(req)).set('from', 'router')
    res.send('router')
  })
  mounted.get('/', async (req, res) => {
    res.send((await getSession(req)).get('from'))
  })
  app.use('/router', router)
  app.use('/mounted', mounted)
  const browser = await visiting(listen(app))
  expect((await browser.get('/router')).setCookies).toHaveLength(1)
  expect((await browser.get('/mounted')).body).toBe('router')
  expect(store.calls).toEqual(['put', 'get'])
})

test('two different sessions on one request are refused with the way out', async () => {
  const app = express()
  app.set('env', 'test')
  app.use(expressSessions(recorded().sessions), expressSessions(recorded().sessions))
  const answer = await (await visiting(listen(app))).get('/')
  expect(answer.status).toBe(500)
  expect(answer.body).toContain('createSessions({ stores: ')
})

const saying =
  (who: string): ErrorRequestHandler =>
  (error, _req, res, _next) =>
    void res.status(error.status).send(`${who}: ${error.code}`)

test('F-03 what could not be stored reaches the error handlers of the innermost router', async () => {
  const { sessions, store } = recorded()
  const app = express()
  const router = express.Router()
  app.use(expressSessions(sessions))
  router.get('/', async (req, res) => {
    ;(await getSession(req)).set('n', 1)
    res.json({ long: 'the answer of the handler that must not leave' })
  })
  router.use(saying('inner'))
  app.use('/inner', router)
  app.get('/outer', async (req, res) => {
    ;(await getSession(req)).set('n', 1)
    res.redirect('/')
  })
  app.use(saying('outer'))
  store.away = new Set(['put'])
  const browser = await visiting(listen(app))
  for (const who of ['inner', 'outer']) {
    const answer = await browser.get(`/${who}`)
    expect([answer.status, answer.body, answer.setCookies]).toEqual([503, `${who}: store_unavailable`, []])
  }
})

test('res.sendFile, res.json with a conditional request, and a 404 carry the session', async () => {
  const { sessions } = recorded()
  const app = express()
  app.use(expressSessions(sessions))
  app.use(async (req, _res, next) => {
    ;(await getSession(req)).set('n', 1)
    next()
  })
  app.get('/file', (_req, res) => res.sendFile(thisFile))
  app.get('/json', (_req, res) => void res.json({ a: 1 }))
  const serving = listen(app)
  const file = await (await visiting(serving)).get('/file')
  expect([file.status, file.setCookies.length]).toEqual([200, 1])
  expect(file.body).toContain('res.sendFile, res.json')
  const json = await (await visiting(serving)).get('/json')
  const again = await (await visiting(serving)).get('/json', { headers: { 'if-none-match': json.header('etag') } })
  expect([again.status, again.body, again.setCookies.length]).toEqual([304, '', 1])
  const missing = await (await visiting(serving)).get('/missing')
  expect([missing.status, missing.setCookies.length]).toEqual([404, 1])
})

test('a handler that answers twice is noticed by Express, and the server goes on', async () => {
  const { sessions, store } = recorded()
  const errors: unknown[] = []
  const app = express()
  app.use(expressSessions(sessions))
  app.get('/', async (req, res) => {
    ;(await getSession(req)).update('n', (n) => Number(n ?? 0) + 1)
    res.send('first')
    res.send('the second answer')
  })
  app.use(((error, _req, _res, next) => {
    errors.push(error.code)
    // What Express does on its own is to cut the connection, now that the response has begun.
    void next
  }) as ErrorRequestHandler)
  const browser = await visiting(listen(app))
  expect((await browser.get('/')).body).toBe('first')
  expect(errors).toEqual(['ERR_HTTP_HEADERS_SENT'])
  expect(store.count('put')).toBe(1)
})
