/**
 * A session of express-session's as a row:
 *
 *   id     24 characters of base64url(SHA-256(sid)): the sid itself is in no store
 *   body   "express-session 1 <id>\n" and the session as JSON
 *
 * Sessions of coatcheck's own and these may share a store: neither takes the other's for its own.
 */
import { hash } from 'node:crypto'
import type { Row, StoredRow } from '../../core/types.ts'

/** A session as express-session hands it to a store. */
export interface SessionData {
  cookie: { expires?: Date | string | null | false; originalMaxAge?: number | null }
}

export function idOf(sid: string): string {
  return hash('sha256', String(sid), 'base64url').slice(0, 24)
}

export function rowOf(id: string, session: object, nowMs: number, ttlMs: number): Row {
  const body = firstLine(id) + JSON.stringify(session)
  return { id, body, user: null, expiresAt: expiryOf(session, nowMs, ttlMs) }
}

/** When a session ends: with its cookie; where that lives as long as the browser, in `ttlMs`. */
export function expiryOf(session: object, nowMs: number, ttlMs: number): number {
  const { expires } = (session as Partial<SessionData>).cookie ?? {}
  const atMs = expires ? new Date(expires).getTime() : Number.NaN
  return Number.isFinite(atMs) ? atMs : nowMs + ttlMs
}

export function isOurs(row: StoredRow): boolean {
  return row.body.startsWith(firstLine(row.id))
}

/** The session in a row, or `null` for a row of somebody else's. */
export function sessionIn(row: StoredRow): SessionData | null {
  if (!isOurs(row)) return null
  const session = parse(row.body.slice(firstLine(row.id).length)) as Partial<SessionData> | null
  const { cookie } = session ?? {}
  if (typeof cookie !== 'object' || cookie === null) return null
  // A touch moves the row and not its body.
  if (cookie.expires) cookie.expires = new Date(row.expiresAt).toISOString()
  return session as SessionData
}

function firstLine(id: string): string {
  return `express-session 1 ${id}\n`
}

function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' ? value : null
  } catch {
    return null
  }
}
