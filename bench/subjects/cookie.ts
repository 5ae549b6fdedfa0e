import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** How the floors find their cookie. */
export function cookieOf(req: IncomingMessage): string {
  const header = req.headers.cookie ?? ''
  const start = header.indexOf('session=')
  const end = header.indexOf(';', start)
  return start < 0 ? '' : header.slice(start + 8, end < 0 ? undefined : end)
}

export function newId(): string {
  return randomBytes(24).toString('base64url')
}
