/** It ships no types, and its community types claim `req.session` for every Express application. The subject needs one call. */
declare module 'cookie-session' {
  import type { RequestHandler } from 'express'
  export default function cookieSession(options: { name: string; keys: string[] }): RequestHandler
}
