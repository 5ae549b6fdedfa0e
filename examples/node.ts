import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getSession, nodeSessions } from 'coatcheck/node'
import { port, sessions, type Visitor } from './sessions.ts'

const server = createServer(
  nodeSessions(sessions, async (req, res) => {
    const session = await getSession<Visitor>(req)
    res.end(`visit ${session.update('visits', (n) => (n ?? 0) + 1)}`)
  }),
)
server.listen(port, '127.0.0.1', () => console.log(`http://localhost:${(server.address() as AddressInfo).port}`))
