import type { Context } from 'hono'
import { MemoryStore, type Session, sessionMiddleware } from 'hono-sessions'
import { serveHono } from '../frameworks/hono.ts'
import { sampleSession, secret, type SessionData } from '../session.ts'
import type { Handlers, Subject } from './subject.ts'

const handlers: Handlers<Context> = {
  seed(context, visitor) {
    for (const [key, value] of Object.entries(sampleSession(visitor))) sessionOf(context).set(key as keyof SessionData, value)
  },
  read: (context) => sessionOf(context).get('name') ?? '',
  write(context) {
    const n = (sessionOf(context).get('n') ?? 0) + 1
    sessionOf(context).set('n', n)
    return n
  },
}

function sessionOf(context: Context): Session<SessionData> {
  return context.get('session')
}

/** `encryptionKey` as its README has it: the id in the cookie is sealed with iron. Without it the id travels bare, unsigned. */
function start(options: { encryptionKey?: string }) {
  const cookieOptions = { path: '/', httpOnly: true, sameSite: 'Lax' as const }
  return serveHono(handlers, (app) =>
    app.use('*', sessionMiddleware({ store: new MemoryStore(), expireAfterSeconds: 3600, cookieOptions, ...options })),
  )
}

export const subjects: Subject[] = [
  { name: 'hono-sessions, memory', on: 'hono', kind: 'peer', start: () => start({ encryptionKey: secret }) },
  { name: 'hono-sessions, memory, plain id', on: 'hono', kind: 'peer', start: () => start({}) },
]
