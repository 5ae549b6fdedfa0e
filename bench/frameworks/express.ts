import { createServer } from 'node:http'
import express, { type Express, type Request, type Response } from 'express'
import type { Handlers, Running } from '../subjects/subject.ts'
import { host, listening, visitorOf } from './listen.ts'

export interface ExpressContext {
  readonly req: Request
  readonly res: Response
}

export function serveExpress(handlers: Handlers<ExpressContext>, install: (app: Express) => unknown = () => {}): Promise<Running> {
  const app = express()
  install(app)
  app.get('/untouched', (_req, res) => void res.json({ ok: true }))
  app.get('/read', async (req, res) => void res.json({ value: await handlers.read({ req, res }) }))
  app.post('/write', async (req, res) => void res.json({ n: await handlers.write({ req, res }) }))
  app.post('/seed', async (req, res) => {
    await handlers.seed({ req, res }, visitorOf(req.url))
    res.json({ ok: true })
  })
  return listening(createServer(app).listen(0, host))
}
