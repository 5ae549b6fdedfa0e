// An API for pages on other origins: https://app.example.com calls https://api.example.com with `credentials: 'include'`.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createSessions } from 'coatcheck'
import { memoryStore } from 'coatcheck/memory'
import { getSession, nodeSessions } from 'coatcheck/node'
import { port, type Visitor } from './sessions.ts'

/** Whole origins and nothing else. A pattern such as /example\.com$/ also lets https://evil-example.com in. */
const pages = ['https://app.example.com', 'https://admin.example.com']

const sessions = createSessions<Visitor>({
  secret: process.env['SESSION_SECRET'] ?? crypto.randomUUID(),
  store: memoryStore(),
  // CORS only says who may read an answer. This says whose unsafe requests get a session.
  csrf: { trustedOrigins: pages },
})

const server = createServer(
  nodeSessions(sessions, async (req, res) => {
    const { origin } = req.headers
    // Also for those who are refused: a cache must not answer one origin with what it was told for another.
    res.setHeader('Vary', 'Origin')
    if (origin !== undefined && pages.includes(origin)) {
      res.setHeader('Access-Control-Allow-Origin', origin)
      res.setHeader('Access-Control-Allow-Credentials', 'true')
    }
    if (req.method === 'OPTIONS') {
      res.setHeader('Access-Control-Allow-Methods', 'GET, POST')
      res.setHeader('Access-Control-Allow-Headers', 'Content-Type')
      res.statusCode = 204
      return void res.end()
    }
    const session = await getSession<Visitor>(req)
    if (req.method === 'POST') session.update('visits', (n) => (n ?? 0) + 1)
    res.setHeader('Content-Type', 'application/json')
    res.end(JSON.stringify({ visits: session.get('visits') ?? 0 }))
  }),
)
server.listen(port, '127.0.0.1', () => console.log(`http://localhost:${(server.address() as AddressInfo).port}`))
