/** Every code a {@link CoatcheckError} carries, with the HTTP status an application would answer. */
const statusOf = {
  /** An option is wrong or contradicts another. Thrown while starting, never while serving. */
  config_invalid: 500,
  /** `getSession` was given something no adapter was installed on. */
  not_installed: 500,
  /** The store failed, or did not answer within `store deadline`. Nobody was signed in or out. */
  store_unavailable: 503,
  /** More store calls are waiting than `storeCallsMax`. */
  store_overloaded: 503,
  /** A value cannot be kept (function, symbol, class instance, `__proto__` key, throwing getter). */
  value_invalid: 422,
  /** The session is over `bytesMax`, `depthMax` or `keysMax`. */
  session_too_large: 413,
  /** A sealed session does not fit a cookie. */
  cookie_too_large: 413,
  /** The change needs a Set-Cookie and the headers have left. */
  headers_sent: 500,
  /** The session was destroyed in this request; it takes no more changes. */
  session_ended: 409,
  /** The session was opened for reading only (`peek`, `list`). */
  session_read_only: 500,
  /** Somebody else changed the same key meanwhile and the policy is `throw`. */
  conflict: 409,
  /** The values do not satisfy the schema. */
  schema_invalid: 422,
  /** An unsafe request from another site asked for the session. */
  csrf_refused: 403,
  /** This carrier or store cannot do what was asked (revoke a sealed cookie, list without a user index). */
  unsupported: 501,
  /** `maxPerUser` sessions exist and the policy is `refuse`. */
  too_many_sessions: 409,
  /** The random source failed or repeats itself. No session was created. */
  random_failed: 500,
} as const

/** A reason to `switch` on; messages are for people and may change. */
export type ErrorCode = keyof typeof statusOf

/**
 * Every error coatcheck throws. Missing sessions, lost races and junk cookies are answers, not errors.
 *
 * @example
 * ```ts
 * import { CoatcheckError } from 'coatcheck'
 * const error = new CoatcheckError('store_unavailable', 'the store did not answer within 2000 ms')
 * if (error.code !== 'store_unavailable' || error.status !== 503) throw new Error('unexpected')
 * ```
 */
export class CoatcheckError extends Error {
  override readonly name = 'CoatcheckError'
  /** What went wrong, stable across releases. */
  readonly code: ErrorCode
  /** The HTTP status to answer; the name Express, Koa and Fastify look for. */
  readonly status: number
  /** The same, under the name Express's and Fastify's default handlers read first. */
  readonly statusCode: number

  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(`[coatcheck] ${message}`, cause === undefined ? undefined : { cause })
    this.code = code
    this.status = statusOf[code]
    this.statusCode = this.status
  }

  /** The answer as a fetch `Response`: what Hono's default error handler looks for. Says the code and nothing else. */
  getResponse(): Response {
    return new Response(this.code, { status: this.status, headers: { 'Content-Type': 'text/plain; charset=utf-8' } })
  }
}
