import { serve } from '@hono/node-server'
import { fetchSessions, getSession } from 'coatcheck/fetch'
import { port, sessions, type Visitor } from './sessions.ts'

// The handler Bun.serve, Deno.serve and workers take; here a small server for Node stands in for them.
const fetch = fetchSessions(sessions, async (request) => {
  const session = await getSession<Visitor>(request)
  return new Response(`visit ${session.update('visits', (n) => (n ?? 0) + 1)}`)
})
serve({ fetch, port, hostname: '127.0.0.1' }, (address) => console.log(`http://localhost:${address.port}`))
