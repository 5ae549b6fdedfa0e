import Fastify from 'fastify'
import { fastifySessions, getSession } from 'coatcheck/fastify'
import { port, sessions, type Visitor } from './sessions.ts'

const app = Fastify()
await app.register(fastifySessions(sessions))
app.get('/', async (request) => {
  const session = await getSession<Visitor>(request)
  return `visit ${session.update('visits', (n) => (n ?? 0) + 1)}`
})
console.log(await app.listen({ port, host: '127.0.0.1' }))
