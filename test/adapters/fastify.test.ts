import fastify, { type FastifyInstance } from 'fastify'
import { Readable } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { fastifySessions, getSession } from '../../src/adapters/fastify.ts'
import { recorded } from './frameworks.ts'
import type { RecordingStore } from '../../src/testing/adapter-contract/recording-store.ts'

async function application(define: (app: FastifyInstance) => void): Promise<{ app: FastifyInstance; store: RecordingStore }> {
  const { sessions, store } = recorded()
  const app = fastify()
  app.register(fastifySessions(sessions))
  define(app)
  onTestFinished(() => app.close())
  await app.ready()
  return { app, store }
}

test('the plugin reaches out of its own scope, into siblings, children and raw requests', async () => {
  const { app } = await application((app) => {
    app.get('/sibling', async (request) => (await getSession(request)).set('n', 1).get('n'))
    app.register(async (child) => {
      child.get('/child', async (request) => (await getSession(request)).set('n', 2).get('n'))
      child.get('/raw', async (request) => (await getSession(request.raw)).set('n', 3).get('n'))
    })
  })
  for (const [path, n] of Object.entries({ '/sibling': '1', '/child': '2', '/raw': '3' })) {
    const answer = await app.inject(path)
    expect([answer.body, answer.cookies.length]).toEqual([n, 1])
  }
  expect(app.printPlugins()).toContain('coatcheck')
})

test('reply.hijack: the session is stored before the raw head, and a store that is away is a 503', async () => {
  const { app, store } = await application((app) => {
    app.get('/', async (request, reply) => {
      ;(await getSession(request)).set('n', 1)
      reply.hijack()
      reply.raw.writeHead(201, { 'x-raw': '1' })
      reply.raw.end('raw')
    })
  })
  const answer = await app.inject('/')
  expect([answer.statusCode, answer.headers['x-raw'], answer.body, answer.cookies.length]).toEqual([201, '1', 'raw', 1])
  store.away = new Set(['put'])
  const refused = await app.inject('/')
  expect([refused.statusCode, refused.body, refused.cookies]).toEqual([503, 'store_unavailable', []])
})

test("F-03 what could not be stored goes Fastify's way: onError, setErrorHandler, and its own answer", async () => {
  const seen: string[] = []
  const { app, store } = await application((app) => {
    app.addHook('onError', async (_request, _reply, error) => void seen.push(error.code))
    app.get('/plain', async (request) => (await getSession(request)).set('n', 1).get('n'))
    app.get('/stream', async (request, reply) => {
      ;(await getSession(request)).set('n', 1)
      return reply.type('text/plain').send(Readable.from(['a', 'b']))
    })
    app.register(async (child) => {
      child.setErrorHandler((error: { code: string; status: number }, _request, reply) =>
        reply.code(error.status).send(`own: ${error.code}`),
      )
      child.get('/handled', async (request) => (await getSession(request)).set('n', 1).get('n'))
    })
  })
  store.away = new Set(['put'])
  for (const path of ['/plain', '/stream']) {
    const answer = await app.inject(path)
    expect([answer.statusCode, answer.json().code, answer.cookies]).toEqual([503, 'store_unavailable', []])
  }
  const handled = await app.inject('/handled')
  expect([handled.statusCode, handled.body, handled.cookies]).toEqual([503, 'own: store_unavailable', []])
  expect(seen).toEqual(['store_unavailable', 'store_unavailable', 'store_unavailable'])
})

test('web streams, Response payloads, trailers and onSend hooks work', async () => {
  const { app } = await application((app) => {
    app.addHook('onRequest', async (request) => void (await getSession(request)).set('n', 1))
    app.addHook('onSend', async (_request, reply) => void reply.header('x-sent', '1'))
    app.get('/web', async () => new Blob(['web']).stream())
    app.get('/response', async () => new Response('response', { status: 202, headers: { 'x-own': '1' } }))
    app.get('/trailer', async (_request, reply) => {
      reply.trailer('x-sum', async () => '7')
      return 'trailer'
    })
  })
  for (const [path, status] of Object.entries({ '/web': 200, '/response': 202, '/trailer': 200 })) {
    const answer = await app.inject(path)
    expect([answer.statusCode, answer.body, answer.headers['x-sent'], answer.cookies.length]).toEqual([status, path.slice(1), '1', 1])
  }
  expect((await app.inject('/trailer')).trailers['x-sum']).toBe('7')
})

test('reply.send without return, a validation error and a 404 commit once', async () => {
  const { app, store } = await application((app) => {
    app.addHook('onRequest', async (request) => void (await getSession(request)).set('n', 1))
    app.get('/send', async (_request, reply) => void reply.send('sent'))
    app.get('/valid', { schema: { querystring: { type: 'object', required: ['q'] } } }, async () => 'valid')
  })
  for (const [path, status] of Object.entries({ '/send': 200, '/valid': 400, '/missing': 404 })) {
    store.calls.length = 0
    const answer = await app.inject(path)
    expect([answer.statusCode, answer.cookies.length, store.calls]).toEqual([status, 1, ['put']])
  }
})
