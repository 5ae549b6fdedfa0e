import type { Server } from 'node:http'
import { serve } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import type { Handlers, Running } from '../subjects/subject.ts'
import { host, listening, visitorOf } from './listen.ts'

export function serveHono(handlers: Handlers<Context>, install: (app: Hono) => unknown = () => {}): Promise<Running> {
  const app = new Hono()
  install(app)
  app.get('/untouched', (context) => context.json({ ok: true }))
  app.get('/read', async (context) => context.json({ value: await handlers.read(context) }))
  app.post('/write', async (context) => context.json({ n: await handlers.write(context) }))
  app.post('/seed', async (context) => {
    await handlers.seed(context, visitorOf(context.req.url))
    return context.json({ ok: true })
  })
  return listening(serve({ fetch: app.fetch, port: 0, hostname: host }) as Server)
}
