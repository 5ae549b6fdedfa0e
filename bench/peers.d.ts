/**
 * These ship no types, and their community types both claim `req.session` for every Express application.
 * The subjects need one call each.
 */
declare module 'express-session' {
  import type { RequestHandler } from 'express'
  export default function expressSession(options: { secret: string; resave: boolean; saveUninitialized: boolean }): RequestHandler
}

declare module 'cookie-session' {
  import type { RequestHandler } from 'express'
  export default function cookieSession(options: { name: string; keys: string[] }): RequestHandler
}
