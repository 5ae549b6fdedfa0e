import { join } from 'node:path'
import { createSessions, type Session, type SessionsOptions } from 'coatcheck'
import { memoryStore } from 'coatcheck/memory'
import { getSession } from 'coatcheck/node'
import { sqliteStore } from 'coatcheck/sqlite'
import { sampleSession, secret, type SessionData } from '../session.ts'
import type { Handlers, Running, Subject } from './subject.ts'

type Carried = Pick<SessionsOptions<SessionData>, 'store' | 'carrier' | 'irrevocable'>
type Open<Context> = (context: Context) => Promise<Session<SessionData>>

const carriers = {
  memory: (): Carried => ({ store: memoryStore() }),
  sqlite: (dir: string): Carried => ({ store: sqliteStore({ file: join(dir, 'sessions.db') }) }),
  sealed: (): Carried => ({ carrier: 'sealed', irrevocable: true }),
}

/** Everything else as it is by default: Secure cookie, CSRF check, timeouts, conflict detection. */
function sessionsOn(carried: Carried) {
  return createSessions<SessionData>({ secret, ...carried })
}

type Ours = ReturnType<typeof sessionsOn>

function handlersFor<Context>(open: Open<Context>): Handlers<Context> {
  return {
    async seed(context, visitor) {
      const session = await open(context)
      for (const [key, value] of Object.entries(sampleSession(visitor))) session.set(key as keyof SessionData, value)
    },
    read: async (context) => (await open(context)).get('name') ?? '',
    async write(context) {
      const session = await open(context)
      session.update('n', (n = 0) => n + 1)
      return session.get('n') ?? 0
    },
  }
}

const onNode = async (sessions: Ours): Promise<Running> => {
  const { nodeSessions } = await import('coatcheck/node')
  const { serveNode } = await import('../frameworks/node.ts')
  return serveNode(
    handlersFor(({ req }) => getSession<SessionData>(req)),
    (listener) => nodeSessions(sessions, listener),
  )
}

const onExpress = async (sessions: Ours): Promise<Running> => {
  const { expressSessions } = await import('coatcheck/express')
  const { serveExpress } = await import('../frameworks/express.ts')
  return serveExpress(
    handlersFor(({ req }) => getSession<SessionData>(req)),
    (app) => app.use(expressSessions(sessions)),
  )
}

const onFastify = async (sessions: Ours): Promise<Running> => {
  const { fastifySessions } = await import('coatcheck/fastify')
  const { serveFastify } = await import('../frameworks/fastify.ts')
  return serveFastify(
    handlersFor(({ request }) => getSession<SessionData>(request)),
    (app) => app.register(fastifySessions(sessions)),
  )
}

const onKoa = async (sessions: Ours): Promise<Running> => {
  const { koaSessions } = await import('coatcheck/koa')
  const { serveKoa } = await import('../frameworks/koa.ts')
  return serveKoa(
    handlersFor((context) => getSession<SessionData>(context)),
    (app) => app.use(koaSessions(sessions)),
  )
}

const onHono = async (sessions: Ours): Promise<Running> => {
  const { honoSessions } = await import('coatcheck/hono')
  const { serveHono } = await import('../frameworks/hono.ts')
  return serveHono(
    handlersFor((context) => getSession<SessionData>(context)),
    (app) => app.use(honoSessions(sessions)),
  )
}

function subject(on: Subject['on'], carrier: keyof typeof carriers, serve: (sessions: Ours) => Promise<Running>): Subject {
  return { name: `coatcheck, ${carrier}, ${on}`, on, kind: 'ours', start: (dir) => serve(sessionsOn(carriers[carrier](dir))) }
}

export const subjects: Subject[] = [
  subject('node', 'memory', onNode),
  subject('node', 'sqlite', onNode),
  subject('node', 'sealed', onNode),
  subject('express', 'memory', onExpress),
  subject('express', 'sqlite', onExpress),
  subject('fastify', 'memory', onFastify),
  subject('koa', 'memory', onKoa),
  subject('hono', 'memory', onHono),
]
