import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { getSession, honoSessions } from 'coatcheck/hono'
import { port, sessions, type Visitor } from './sessions.ts'

const app = new Hono()
app.use(honoSessions(sessions))
app.get('/', async (c) => {
  const session = await getSession<Visitor>(c)
  return c.text(`visit ${session.update('visits', (n) => (n ?? 0) + 1)}`)
})
serve({ fetch: app.fetch, port, hostname: '127.0.0.1' }, (address) => console.log(`http://localhost:${address.port}`))
