import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Handlers, Running } from '../subjects/subject.ts'
import { host, listening, visitorOf } from './listen.ts'

export interface FastifyContext {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

export async function serveFastify(
  handlers: Handlers<FastifyContext>,
  install: (app: FastifyInstance) => unknown = () => {},
): Promise<Running> {
  const app = fastify()
  await install(app)
  app.get('/untouched', async () => ({ ok: true }))
  app.get('/read', async (request, reply) => ({ value: await handlers.read({ request, reply }) }))
  app.post('/write', async (request, reply) => ({ n: await handlers.write({ request, reply }) }))
  app.post('/seed', async (request, reply) => {
    await handlers.seed({ request, reply }, visitorOf(request.url))
    return { ok: true }
  })
  await app.listen({ port: 0, host })
  return listening(app.server)
}
