import type { AddressInfo } from 'node:net'
import Koa from 'koa'
import { getSession, koaSessions } from 'coatcheck/koa'
import { port, sessions, type Visitor } from './sessions.ts'

const app = new Koa()
app.use(koaSessions(sessions))
app.use(async (ctx) => {
  const session = await getSession<Visitor>(ctx)
  ctx.body = `visit ${session.update('visits', (n) => (n ?? 0) + 1)}`
})
const server = app.listen(port, '127.0.0.1', () => console.log(`http://localhost:${(server.address() as AddressInfo).port}`))
