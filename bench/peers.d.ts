/** It ships no types, and its community types claim `req.session` for every Express application. The subject needs one call. */
declare module 'cookie-session' {
  import type { RequestHandler } from 'express'
  export default function cookieSession(options: { name: string; keys: string[] }): RequestHandler
}

/** It ships no types. */
declare module 'connect-pg-simple' {
  import type session from 'express-session'
  import type { Pool } from 'pg'
  export default function connectPgSimple(
    module: typeof session,
  ): new (options: { pool: Pool; createTableIfMissing: boolean }) => session.Store
}
