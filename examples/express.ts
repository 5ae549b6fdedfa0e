import type { AddressInfo } from 'node:net'
import express from 'express'
import { expressSessions, getSession } from 'coatcheck/express'
import { port, sessions, type Visitor } from './sessions.ts'

const app = express()
app.use(expressSessions(sessions))
app.get('/', async (req, res) => {
  const session = await getSession<Visitor>(req)
  res.send(`visit ${session.update('visits', (n) => (n ?? 0) + 1)}`)
})
const server = app.listen(port, '127.0.0.1', () => console.log(`http://localhost:${(server.address() as AddressInfo).port}`))
