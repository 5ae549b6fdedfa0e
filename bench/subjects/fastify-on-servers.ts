import fastifyCookie from '@fastify/cookie'
import fastifySession from '@fastify/session'
import { RedisStore } from 'connect-redis'
import { serveFastify } from '../frameworks/fastify.ts'
import { secret } from '../session.ts'
import { connectRedis } from './connect.ts'
import { handlers } from './fastify-peers.ts'
import type { Running, Subject } from './subject.ts'

/** Its README: any store of express-session's. Their types do not know each other. */
async function start(url: string, options: { rolling?: boolean }): Promise<Running> {
  const store = new RedisStore({ client: await connectRedis(url) }) as never
  return serveFastify(handlers, async (app) => {
    await app.register(fastifyCookie)
    await app.register(fastifySession, { secret, store, saveUninitialized: false, cookie: { secure: false }, ...options })
  })
}

function subject(name: string, options: { rolling?: boolean }): Subject {
  return { name, on: 'fastify', kind: 'peer', store: 'redis', start: ({ url }) => start(url, options) }
}

export const subjects: Subject[] = [
  subject('@fastify/session, redis', {}),
  subject('@fastify/session, redis, rolling: false', { rolling: false }),
]
