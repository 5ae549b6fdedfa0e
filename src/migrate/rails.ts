/**
 * Rails' cookie store, and its signed and encrypted cookies, 5.2 to 8:
 *
 *   cookie   _<application>_session=<encodeURIComponent of the message of rails/messages.ts>
 *   value    JSON: the session, with its `session_id`, which stays the same while it is written again and again
 */
import { hash } from 'node:crypto'
import type { MoveIn, OldTicket } from '../http/move-in.ts'
import { cookieText, decodedCookie, firstCookie } from './common/cookie-value.ts'
import { membersOf } from './common/json-values.ts'
import { invalid, moveInOptionNames, readerOf, readerOptions, secretsOf, type Mapped, type MoveInOptions } from './common/reader.ts'
import { decrypter, messageIn, verifier, type KeyDigest, type Message, type SignedDigest } from './rails/messages.ts'

export type { Mapped } from './common/reader.ts'
export type { KeyDigest, SignedDigest } from './rails/messages.ts'

/** How the old application makes its cookies. */
export interface RailsKeys {
  /** `secret_key_base`: one, or several, newest first, for an application that rotates. */
  readonly secretKeyBase: string | readonly string[]
  /** The digest that makes keys of it: `sha1` before `load_defaults 7.0`, `sha256` since. Default: either. */
  readonly keyDigest?: KeyDigest
  /** Iterations of that. Default 1,000. */
  readonly iterations?: number
  /** The cookie is only signed, by `cookies.signed`. Default `false`: encrypted, as the cookie store and `cookies.encrypted` make it. */
  readonly signed?: boolean
  /** With `signed`: `signed_cookie_digest`. Default `sha1`. */
  readonly signedDigest?: SignedDigest
  /** `authenticated_encrypted_cookie_salt`, or with `signed` `signed_cookie_salt`. */
  readonly salt?: string
  /**
   * Read also cookies that do not say which one they are: those made before `load_defaults 6.0`, or without `use_cookies_with_metadata`.
   * Then any other that is encrypted, or signed, in the same way can be passed off as this one, as in Rails. Default `false`.
   */
  readonly allowWithoutPurpose?: boolean
}

export interface RailsOptions extends MoveInOptions, RailsKeys {
  /** The `key` of `session_store`, such as `_shop_session`; or the name of the signed or encrypted cookie. */
  readonly cookieName: string
}

interface Opened extends Message {
  /** What came, decoded. */
  readonly text: string
}

type Opener = (cookieValue: string | null, nowMs: number) => Opened | null

const keyNames = ['secretKeyBase', 'keyDigest', 'iterations', 'signed', 'signedDigest', 'salt', 'allowWithoutPurpose'] as const
const signedDigests: readonly unknown[] = ['sha1', 'sha256', 'sha384', 'sha512'] satisfies readonly SignedDigest[]

/**
 * Takes over the sessions of Rails' cookie store, each once. All values come along, but for `session_id`: flash messages under `flash`, the
 * token against forged requests under `_csrf_token`. A signed or encrypted cookie that holds no Hash comes as one value under the cookie's
 * name. Nobody is signed in unless `map` says who: with Devise write `map: deviseUser`.
 *
 * JSON is read (`cookies_serializer` `:json`, and what `:hybrid` and `:json_allow_marshal` write); Marshal never is, for it can make any
 * object. Sessions in a database or a cache are not read. Throws `config_invalid`.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { memoryStore } from 'coatcheck/memory'
 * import { deviseUser, fromRails } from 'coatcheck/migrate/rails'
 * const secretKeyBase = 'what `rails secret` made for the old application'
 * const sessions = createSessions({
 *   secret: crypto.randomUUID(),
 *   store: memoryStore(),
 *   moveIn: [fromRails({ cookieName: '_shop_session', secretKeyBase, map: deviseUser, sunset: '2099-12-31' })],
 * })
 * await sessions.close()
 * ```
 */
export function fromRails(options: RailsOptions): MoveIn {
  const own = readerOptions('fromRails', options, [...moveInOptionNames, ...keyNames])
  const { cookieName } = own
  if (typeof cookieName !== 'string') throw invalid("fromRails: write the old cookie's cookieName, such as '_shop_session'")
  const open = openerOf('fromRails', own, cookieName)
  return readerOf('fromRails', own, {
    system: 'rails',
    cookieName,
    verify(cookies, name, nowMs): OldTicket | null {
      const opened = open(firstCookie(cookies, name), nowMs)
      if (opened === null) return null
      const { value, expiresAt, text } = opened
      const id = membersOf(value)?.['session_id']
      const values = membersOf(value, ['session_id']) ?? { [name]: value }
      // Each of a session's cookies ends by itself, and which one is the last cannot be known.
      if (typeof id === 'string' && id !== '') return { identity: id, load: () => ({ values, expiresAt: null }) }
      return { identity: hash('sha256', text, 'hex'), load: () => ({ values, expiresAt }) }
    },
  })
}

/**
 * What a cookie of Rails holds: the session, or the value of a signed or encrypted cookie; `null` for what is not genuine, over, meant for
 * another cookie or serialized by Marshal. Never throws for a value, whatever it is. `now` is in unix milliseconds.
 *
 * @example
 * ```ts
 * import { readRailsCookie } from 'coatcheck/migrate/rails'
 * const value = 'eyJfcmFpbHMiOnsibWVzc2FnZSI6Ik5RPT0iLCJleHAiOm51bGwsInB1ciI6ImNvb2tpZS51c2VyX2lkIn19--forged'
 * console.log(readRailsCookie(value, { secretKeyBase: 'that of the old application', cookieName: 'user_id', signed: true })) // null
 * ```
 */
export function readRailsCookie(
  cookieValue: string | null | undefined,
  options: RailsKeys & { readonly cookieName: string; readonly now?: number },
): unknown {
  const { now = Date.now(), cookieName, ...keys } = readerOptions('readRailsCookie', options, [...keyNames, 'cookieName', 'now'])
  return openerOf('readRailsCookie', keys, cookieName)(cookieText(cookieValue), now)?.value ?? null
}

/**
 * A `map` for applications that sign in with Devise, or with Warden as it does, in the scope `user`: `warden.user.user.key` becomes the
 * session's user, and all other values stay. Not the default, because Devise compares the second half of that with the user's password at
 * every request, so that a new password ends all sessions before it. Where that matters, write a `map` that asks the user's table.
 *
 * @example
 * ```ts
 * import { deviseUser } from 'coatcheck/migrate/rails'
 * console.log(deviseUser({ 'warden.user.user.key': [[42], '$2a$12$ab'], cart: ['hat'] })) // { values: { cart: ['hat'] }, user: '42' }
 * ```
 */
export function deviseUser(values: Readonly<Record<string, unknown>>): Mapped {
  const { 'warden.user.user.key': key, 'warden.user.user.session': _session, ...others } = values
  const ids: unknown = Array.isArray(key) ? key[0] : null
  const [id, ...more] = Array.isArray(ids) ? (ids as readonly unknown[]) : [null, null]
  const isUser = (typeof id === 'string' && id !== '') || Number.isSafeInteger(id) || typeof id === 'bigint'
  return isUser && more.length === 0 ? { values: others, user: String(id) } : { values, user: null }
}

function openerOf(reader: string, keys: RailsKeys, cookieName: string): Opener {
  const { keyDigest, iterations = 1_000, signed = false, signedDigest, salt, allowWithoutPurpose = false } = keys
  const wrong =
    keyDigest !== undefined && keyDigest !== 'sha1' && keyDigest !== 'sha256'
      ? "keyDigest is 'sha1' before load_defaults 7.0 and 'sha256' since; leave it out for either"
      : !Number.isSafeInteger(iterations) || iterations < 1 || iterations > 10_000_000
        ? 'iterations must be those of the key generator, 1000 in Rails'
        : typeof signed !== 'boolean' || typeof allowWithoutPurpose !== 'boolean' || (salt !== undefined && typeof salt !== 'string')
          ? 'signed and allowWithoutPurpose are true or false, salt is text'
          : signedDigest !== undefined && (!signed || !signedDigests.includes(signedDigest))
            ? `signedDigest goes with signed: true; it is one of ${signedDigests.join(', ')}`
            : null
  if (wrong !== null) throw invalid(`${reader}: ${wrong}`)
  const settings = {
    secrets: secretsOf(reader, 'secretKeyBase', keys.secretKeyBase),
    digests: keyDigest === undefined ? (['sha256', 'sha1'] as const) : [keyDigest],
    salt: salt ?? (signed ? 'signed cookie' : 'authenticated encrypted cookie'),
    iterations,
  }
  const open = signed ? verifier(settings, signedDigest ?? 'sha1') : decrypter(settings)

  return (cookieValue, nowMs) => {
    const text = decodedCookie(cookieValue)
    const bytes = text === null ? null : open(text)
    const message = bytes === null ? null : messageIn(bytes, cookieName, allowWithoutPurpose, nowMs)
    return text === null || message === null ? null : { ...message, text }
  }
}
