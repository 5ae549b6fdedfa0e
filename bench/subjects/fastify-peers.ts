import fastifyCookie from '@fastify/cookie'
import secureSession from '@fastify/secure-session'
import fastifySession from '@fastify/session'
import { type FastifyContext, serveFastify } from '../frameworks/fastify.ts'
import { sampleSession, secret } from '../session.ts'
import type { Handlers, Subject } from './subject.ts'

interface Session {
  get(key: string): unknown
  set(key: string, value: unknown): void
}

export const handlers: Handlers<FastifyContext> = {
  seed({ request }, visitor) {
    for (const [key, value] of Object.entries(sampleSession(visitor))) sessionOf(request).set(key, value)
  },
  read: ({ request }) => String(sessionOf(request).get('name')),
  write({ request }) {
    const n = Number(sessionOf(request).get('n')) + 1
    sessionOf(request).set('n', n)
    return n
  },
}

/** The two plugins declare `request.session` differently; this is what they share. */
function sessionOf(request: object): Session {
  return (request as { session: Session }).session
}

export const subjects: Subject[] = [
  {
    name: '@fastify/session, memory',
    on: 'fastify',
    kind: 'peer',
    start: () =>
      serveFastify(handlers, async (app) => {
        await app.register(fastifyCookie)
        await app.register(fastifySession, { secret, saveUninitialized: false, cookie: { secure: false } })
      }),
  },
  {
    name: '@fastify/secure-session',
    on: 'fastify',
    kind: 'peer',
    start: () => serveFastify(handlers, (app) => app.register(secureSession, { key: Buffer.from(secret).subarray(0, 32) })),
  },
]
