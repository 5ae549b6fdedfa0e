import { join } from 'node:path'
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express'
import { CoatcheckError, type ErrorCode, type Sessions } from 'coatcheck'
import { expressSessions } from 'coatcheck/express'
import { problem } from './pages/problem.ts'
import { deviceRoutes } from './routes/devices.ts'
import { fiftyRoutes } from './routes/fifty.ts'
import { pageRoutes } from './routes/page.ts'
import { thingRoutes } from './routes/things.ts'
import { createCloakroom, type NamedStore } from './sessions.ts'

export interface Demo {
  readonly app: Express
  readonly ready: Sessions['ready']
  /** Closes the stores; call it when the server has closed. */
  close(): Promise<void>
}

/** The demo as an Express application. `dataFolder` must exist. */
export function createDemo(options: { readonly dataFolder: string; readonly secret: string; readonly named: NamedStore | null }): Demo {
  const cloakroom = createCloakroom(options.dataFolder, options.secret, options.named)
  const app = express()
  app.disable('x-powered-by')
  app.use(safeHeaders)
  app.use(express.static(join(import.meta.dirname, 'public')))
  app.use(expressSessions(cloakroom.sessions))
  app.use(express.urlencoded({ extended: false, limit: '20kb' }))
  app.use(pageRoutes(cloakroom), thingRoutes(cloakroom), deviceRoutes(cloakroom), fiftyRoutes(cloakroom))
  app.use((_req, res) => void res.status(404).send(String(problem('There is no such page', 'Nothing hangs here.', null))))
  app.use(sayWhatWentWrong)
  return { app, ready: () => cloakroom.sessions.ready(), close: () => cloakroom.sessions.close() }
}

const policy = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

const safeHeaders: RequestHandler = (_req, res, next) => {
  res.set({ 'Content-Security-Policy': policy, 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'same-origin' })
  next()
}

const inPlainWords: Partial<Record<ErrorCode, string>> = {
  cookie_too_large:
    'That does not fit into a cookie, which holds 4,096 bytes. Nothing was changed. Hang your things in memory or in SQLite and try again.',
  session_too_large: 'That is more than one session may hold here. Nothing was changed.',
  value_invalid: 'That name or value cannot be kept. Nothing was changed.',
  csrf_refused: 'The request came from another site, so it got no session. Nothing was changed.',
  store_unavailable: 'The store does not answer. Nobody was signed in or out, and nothing was changed. Try again in a moment.',
  session_ended: 'That session has ended meanwhile. Go back and begin a new one.',
}

const sayWhatWentWrong: ErrorRequestHandler = (error: unknown, _req, res, next) => {
  if (res.headersSent) return next(error)
  if (error instanceof CoatcheckError) {
    if (error.status >= 500) console.error(error.message)
    res.status(error.status).send(String(problem('That did not work', inPlainWords[error.code] ?? error.message, error.code)))
    return
  }
  const status = typeof error === 'object' && error !== null && 'status' in error && typeof error.status === 'number' ? error.status : 500
  if (status >= 500) console.error(error)
  const words =
    status === 413 ? 'That is more than this demo takes at once.' : 'The demo did not expect that. The terminal it runs in says more.'
  res.status(status).send(String(problem('That did not work', words, null)))
}
