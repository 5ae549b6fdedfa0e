import type Koa from 'koa'
import { createSession } from 'koa-session'
import { serveKoa } from '../frameworks/koa.ts'
import { sampleSession, secret, type SessionData } from '../session.ts'
import type { Handlers, Subject } from './subject.ts'

export const handlers: Handlers<Koa.Context> = {
  seed: (context, visitor) => Object.assign(sessionOf(context), sampleSession(visitor)),
  read: (context) => sessionOf(context).name,
  write: (context) => ++sessionOf(context).n,
}

function sessionOf(context: object): SessionData {
  return (context as { session: SessionData }).session
}

/** It brings no store for the server side. This is the least one. */
function mapStore() {
  const sessions = new Map<string, string>()
  return {
    get: async (key: string) => JSON.parse(sessions.get(key) ?? 'null'),
    set: async (key: string, session: object) => void sessions.set(key, JSON.stringify(session)),
    destroy: async (key: string) => void sessions.delete(key),
  }
}

export const subjects: Subject[] = [
  { name: 'koa-session, cookie', on: 'koa', kind: 'peer', start: () => serveKoa(handlers, (app) => install(app, {})) },
  { name: 'koa-session, Map', on: 'koa', kind: 'peer', start: () => serveKoa(handlers, (app) => install(app, { store: mapStore() })) },
]

export function install(app: Koa, options: object): void {
  app.keys = [secret]
  app.use(createSession(options, app))
}
