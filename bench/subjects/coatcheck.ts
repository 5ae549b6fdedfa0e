import { createSessions, type Session, type SessionsOptions } from 'coatcheck'
import { getSession } from 'coatcheck/node'
import { sampleSession, secret, type SessionData } from '../session.ts'
import type { Handlers, Place, Running, StoreName, Subject } from './subject.ts'

/** How coatcheck keeps its sessions. */
export type Carried = Pick<SessionsOptions<SessionData>, 'store' | 'carrier' | 'irrevocable'>
type Open<Context> = (context: Context) => Promise<Session<SessionData>>

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

const servers = { node: onNode, express: onExpress, fastify: onFastify, koa: onKoa, hono: onHono }

/** `carry` says how sessions are kept, in `kept` words. */
export function ours(
  on: keyof typeof servers,
  kept: string,
  carry: (place: Place) => Carried | Promise<Carried>,
  store?: StoreName,
): Subject {
  return {
    name: `coatcheck, ${kept}, ${on}`,
    on,
    kind: 'ours',
    ...(store && { store }),
    start: async (place) => servers[on](sessionsOn(await carry(place))),
  }
}
