import { H3, type H3Event, serve } from 'h3/node'
import type { Handlers, Running } from '../subjects/subject.ts'
import { host, visitorOf } from './listen.ts'

export async function serveH3(handlers: Handlers<H3Event>): Promise<Running> {
  const app = new H3()
  app.get('/untouched', () => ({ ok: true }))
  app.get('/read', async (event) => ({ value: await handlers.read(event) }))
  app.post('/write', async (event) => ({ n: await handlers.write(event) }))
  app.post('/seed', async (event) => {
    await handlers.seed(event, visitorOf(event.req.url))
    return { ok: true }
  })
  const server = await serve(app, { port: 0, hostname: host, silent: true }).ready()
  return { port: Number(new URL(server.url ?? '').port), close: () => server.close(true) }
}
