import {
  connect,
  createServer,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { getSession, nodeSessions } from '../../src/adapters/node.ts'
import { CoatcheckError } from '../../src/core/errors.ts'
import { recorded } from './frameworks.ts'
import { ScriptedVisit } from './scripted-visit.ts'

type Handler = (req: Http2ServerRequest, res: Http2ServerResponse) => unknown
type Head = IncomingHttpHeaders & IncomingHttpStatusHeader

/** Serves over clear-text HTTP/2 and answers a function that sends one request. */
async function http2(
  sessions: Parameters<typeof nodeSessions>[0],
  handler: Handler,
): Promise<(headers?: object) => Promise<[Head, string]>> {
  const server = createServer(nodeSessions(sessions, handler))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  const client = connect(`http://127.0.0.1:${port}`)
  onTestFinished(() => {
    client.destroy()
    server.close()
  })
  return (headers = {}) =>
    new Promise((resolve, reject) => {
      const stream = client.request({ ':path': '/', ...headers })
      let head: Head = {}
      let body = ''
      stream.on('response', (received) => (head = received))
      stream.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
      stream.on('error', reject)
      stream.on('end', () => resolve([head, body]))
    })
}

test('the session is stored before the head, cookie crumbs and :authority are read, own cookies stay', async () => {
  const { sessions, store } = recorded()
  const send = await http2(sessions, async (req, res) => {
    const session = await getSession(req)
    const n = session.update('n', (before) => Number(before ?? 0) + 1)
    res.writeHead(200, { 'set-cookie': ['a=1', 'b=2'] })
    res.write('n=')
    res.end(String(n))
  })
  const [first, one] = await send()
  expect([first[':status'], one, first['set-cookie']?.map((line) => line.split('=')[0])]).toEqual([200, 'n=1', ['a', 'b', 'session']])
  const ours = first['set-cookie']?.[2]?.split(';')[0] ?? ''
  const [second, two] = await send({ cookie: ['x=1', ours, 'y=2'], ':method': 'POST', origin: 'http://127.0.0.1' })
  expect([second[':status'], two]).toEqual([403, 'csrf_refused'])
  const own = { ':method': 'POST', ':authority': 'shop.example', origin: 'http://shop.example' }
  const [third, three] = await send({ cookie: ['x=1', ours, 'y=2'], ...own })
  expect([third[':status'], three, third['set-cookie']]).toEqual([200, 'n=2', ['a=1', 'b=2']])
  expect(store.rows.size).toBe(1)
})

test('many streams of one connection at once keep apart (R-08)', async () => {
  const { sessions } = recorded()
  const send = await http2(sessions, async (req, res) => {
    const session = await getSession(req)
    session.set('canary', req.headers['x-canary'])
    await new Promise((resolve) => setTimeout(resolve, Number(req.headers['x-canary']) % 5))
    res.end(String(session.get('canary')))
  })
  const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => send({ 'x-canary': String(i) })))
  expect(answers.map(([, body]) => body)).toEqual(Array.from({ length: 100 }, (_, i) => String(i)))
  expect(new Set(answers.map(([head]) => head['set-cookie']?.[0])).size).toBe(100)
})

test('F-03 a session that is not stored is a 503, and late edits that are not cut the stream', async () => {
  const { sessions, store } = recorded()
  store.away = new Set(['put'])
  const send = await http2(sessions, async (req, res) => {
    ;(await getSession(req)).set('n', 1)
    res.end('the answer')
  })
  const [head, body] = await send()
  expect([head[':status'], body, head['set-cookie']]).toEqual([503, 'store_unavailable', undefined])
  const visit = new ScriptedVisit()
  visit.settled = () => Promise.reject(new CoatcheckError('store_unavailable', 'away'))
  const cut = await http2(visit, async (req, res) => {
    await getSession(req)
    res.write('begin,')
    res.end('end')
  })
  await expect(cut()).rejects.toThrow()
})
