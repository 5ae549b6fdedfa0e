import cookieSession from 'cookie-session'
import expressSession from 'express-session'
import { type ExpressContext, serveExpress } from '../frameworks/express.ts'
import { sampleSession, secret, type SessionData } from '../session.ts'
import type { Handlers, Subject } from './subject.ts'

export const handlers: Handlers<ExpressContext> = {
  seed: ({ req }, visitor) => Object.assign(sessionOf(req), sampleSession(visitor)),
  read: ({ req }) => sessionOf(req).name,
  write: ({ req }) => ++sessionOf(req).n,
}

/** Both give the session to every request as a plain object and save it when the response ends. */
function sessionOf(req: object): SessionData {
  return (req as { session: SessionData }).session
}

export const subjects: Subject[] = [
  {
    name: 'express-session, memory',
    on: 'express',
    kind: 'peer',
    start: () => serveExpress(handlers, (app) => app.use(expressSession({ secret, resave: false, saveUninitialized: false }))),
  },
  {
    name: 'cookie-session',
    on: 'express',
    kind: 'peer',
    start: () => serveExpress(handlers, (app) => app.use(cookieSession({ name: 'session', keys: [secret] }))),
  },
]
