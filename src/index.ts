export { createSessions, type HeadersLike, type Sessions } from './http/sessions.ts'
export type { Limits, SessionOptions, SessionsOptions } from './http/session-options.ts'
export type { CookieOptions } from './http/cookie.ts'
export { applyOutgoing, type HeaderPort } from './http/outgoing.ts'
export type { CsrfOptions } from './http/csrf.ts'
export type {
  DualWrite,
  MoveIn,
  MoveInCount,
  MoveInPage,
  MoveInPageOptions,
  MoveInRefusal,
  MoveInWhy,
  OldChanges,
  OldCookies,
  OldSession,
  OldTicket,
} from './http/move-in.ts'
export type { Outgoing, RequestHead, Visit } from './http/types.ts'
export { CoatcheckError, type ErrorCode } from './core/errors.ts'
export type { Session } from './core/session.ts'
export type { SetOptions } from './core/session-port.ts'
export type { Duration } from './core/duration.ts'
export type { Flash } from './core/body.ts'
export type { Merge } from './core/change.ts'
export type { SessionEvent, Rejection } from './core/events.ts'
export type { Secret } from './core/keys.ts'
export type { LifetimeOptions } from './core/lifetime.ts'
export type { StandardSchemaV1 } from './core/standard-schema.ts'
export type { Clock, Guarantees, Outcome, Random, Row, SessionStore, StoredRow, Timers } from './core/types.ts'
export type { MaxPerUser, SessionInfo } from './core/users.ts'
