import { createServer } from 'node:http'
import Koa, { type Context } from 'koa'
import type { Handlers, Running } from '../subjects/subject.ts'
import { host, listening, visitorOf } from './listen.ts'

export function serveKoa(handlers: Handlers<Context>, install: (app: Koa) => unknown = () => {}): Promise<Running> {
  const app = new Koa()
  install(app)
  app.use(async (context: Context) => {
    if (context.path === '/untouched') context.body = { ok: true }
    else if (context.path === '/read') context.body = { value: await handlers.read(context) }
    else if (context.path === '/write') context.body = { n: await handlers.write(context) }
    else {
      await handlers.seed(context, visitorOf(context.url))
      context.body = { ok: true }
    }
  })
  return listening(createServer(app.callback()).listen(0, host))
}
