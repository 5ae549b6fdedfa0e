/**
 * cookie-session, which keeps everything in its cookies:
 *
 *   session=<base64 of JSON>   session.sig=<signature>   the pair of common/keygrip.ts
 *
 * There is no time in them, no id and nothing random: such a cookie is good for ever, and two visitors with the same data have the
 * same one.
 */
import type { MoveIn, OldTicket } from '../http/move-in.ts'
import { oldCookiesOf } from '../http/old-cookies.ts'
import { jsonValues } from './common/json-values.ts'
import { dataIdentity, keygripOf, pairedCookie, signatureName, type KeygripKeys } from './common/keygrip.ts'
import { moveInOptionNames, readerOf, readerOptions, type MoveInOptions } from './common/reader.ts'

export type { Keygrip, KeygripKeys } from './common/keygrip.ts'
export { passportUser } from './common/passport.ts'
export type { Mapped } from './common/reader.ts'

export interface CookieSessionOptions extends MoveInOptions {
  /** The `keys` of the old application (or its `secret`): texts, newest first, or its `Keygrip`. */
  readonly keys: KeygripKeys
}

/**
 * Takes over the sessions of cookie-session, each once, from the cookies `session` and `session.sig`, or those `cookieName` says. All
 * values come along; nobody is signed in unless `map` says who. Set a `sunset`: these cookies never end by themselves. Throws
 * `config_invalid`.
 *
 * Visitors with the very same data have the very same cookie, and it moves in once: let each hold something of its own, such as the time
 * of the sign-in, before the move begins (docs/moving-in.md).
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { memoryStore } from 'coatcheck/memory'
 * import { fromCookieSession } from 'coatcheck/migrate/cookie-session'
 * const sessions = createSessions({
 *   secret: crypto.randomUUID(),
 *   store: memoryStore(),
 *   moveIn: [fromCookieSession({ keys: ['key2', 'key1'], sunset: '2099-12-31' })],
 * })
 * await sessions.close()
 * ```
 */
export function fromCookieSession(options: CookieSessionOptions): MoveIn {
  const own = readerOptions('fromCookieSession', options, [...moveInOptionNames, 'keys'])
  const keygrip = keygripOf('fromCookieSession', own.keys)
  const name = own.cookieName ?? 'session'
  return readerOf('fromCookieSession', own, {
    system: 'cookie-session',
    cookieName: 'session',
    expire: () => [name, signatureName(name)],
    verify(cookies, name): OldTicket | null {
      const value = pairedCookie(cookies, name, keygrip)
      const values = value === null ? null : valuesIn(value)
      return value === null || values === null
        ? null
        : { identity: dataIdentity(value), shared: true, load: () => ({ values, expiresAt: null }) }
    },
  })
}

/**
 * The values of a session of cookie-session, from a raw `Cookie` header, or `null`. Never throws for a header, whatever it is.
 * `cookieName` is by default `session`.
 *
 * @example
 * ```ts
 * import { readCookieSession } from 'coatcheck/migrate/cookie-session'
 * const header = 'session=eyJmb28iOiJiYXIifQ==; session.sig=FCAcWmhLQ6-PjwPjwkLtI6k9DPw'
 * console.log(readCookieSession(header, { keys: 'key1' })) // { foo: 'bar' }
 * ```
 */
export function readCookieSession(
  cookieHeader: string | null | undefined,
  options: { readonly keys: KeygripKeys; readonly cookieName?: string },
): Record<string, unknown> | null {
  const { keys, cookieName = 'session' } = readerOptions('readCookieSession', options, ['keys', 'cookieName'])
  const keygrip = keygripOf('readCookieSession', keys)
  const value = typeof cookieHeader === 'string' ? pairedCookie(oldCookiesOf(cookieHeader), cookieName, keygrip) : null
  return value === null ? null : valuesIn(value)
}

function valuesIn(value: string): Record<string, unknown> | null {
  return jsonValues(Buffer.from(value, 'base64').toString())
}
