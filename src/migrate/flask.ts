/**
 * Flask's own sessions, everything in the cookie, signed by itsdangerous:
 *
 *   cookie      session=<payload>.<time>.<signature>   all three base64url without =; the name is not signed
 *   payload     JSON with the tags of flask/tags.ts; behind a leading `.` deflated
 *   time        unix seconds, big end first, without zero bytes before
 *   signature   HMAC of payload . time; the key is an HMAC of `cookie-session` under SECRET_KEY; SHA-1 in both
 */
import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import type { MoveIn, OldTicket } from '../http/move-in.ts'
import { base64urlBytes } from './common/base64url.ts'
import { cookieText, firstCookie } from './common/cookie-value.ts'
import { inflated } from './common/inflated.ts'
import { membersOf } from './common/json-values.ts'
import { invalid, moveInOptionNames, readerOf, readerOptions, type Mapped, type MoveInOptions } from './common/reader.ts'
import { secondsOf, secretBytesOf, type SecretBytes } from './common/secret-bytes.ts'
import { untagged } from './flask/tags.ts'
import { parseJson } from './webapp2/json.ts'

export type { Mapped } from './common/reader.ts'
export type { SecretBytes } from './common/secret-bytes.ts'

type Digest = 'sha1' | 'sha256' | 'sha384' | 'sha512'

/** What the old application's sessions are signed with. */
export interface FlaskKeys {
  /** `SECRET_KEY`, as text or bytes; with `SECRET_KEY_FALLBACKS` an array, newest first. */
  readonly secretKey: SecretBytes
  /** `PERMANENT_SESSION_LIFETIME`, in seconds. Default 31 days. */
  readonly lifetime?: number
  /** The `salt` of a `SecureCookieSessionInterface` of its own. Default `cookie-session`. */
  readonly salt?: string
  /** Its `digest_method`. Default `sha1`. */
  readonly digest?: Digest
  /** Its `key_derivation`. Default `hmac`. */
  readonly keyDerivation?: 'hmac' | 'concat' | 'django-concat' | 'none'
}

export interface FlaskOptions extends MoveInOptions, FlaskKeys {}

type Values = Record<string, unknown>

interface Opened {
  readonly values: Values
  readonly expiresAt: number
  readonly identity: string
}

const keyNames = ['secretKey', 'lifetime', 'salt', 'digest', 'keyDerivation'] as const
const digests: readonly unknown[] = ['sha1', 'sha256', 'sha384', 'sha512'] satisfies readonly Digest[]
const derivations: readonly unknown[] = ['hmac', 'concat', 'django-concat', 'none'] satisfies readonly FlaskKeys['keyDerivation'][]
const form = /^((\.?)([\w-]+)\.([\w-]{1,8}))\.([\w-]+)$/
/** Far more than anybody keeps in a cookie of 4,096 characters. */
const jsonBytesMax = 262_144

/**
 * Takes over the sessions of Flask, each once, from the cookie `session` or the one `cookieName` says. All values come along: tuples as
 * arrays, bytes as `Uint8Array`, datetimes as `Date`, UUIDs and Markup as text, flashed messages under `_flashes`. Nobody is signed in
 * unless `map` says who: with Flask-Login write `map: flaskLoginUser`. Sessions of Flask-Session are somewhere else and not read. Throws
 * `config_invalid`.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { memoryStore } from 'coatcheck/memory'
 * import { flaskLoginUser, fromFlask } from 'coatcheck/migrate/flask'
 * const sessions = createSessions({
 *   secret: crypto.randomUUID(),
 *   store: memoryStore(),
 *   moveIn: [fromFlask({ secretKey: 'the SECRET_KEY of the old application', map: flaskLoginUser, sunset: '2099-12-31' })],
 * })
 * await sessions.close()
 * ```
 */
export function fromFlask(options: FlaskOptions): MoveIn {
  const own = readerOptions('fromFlask', options, [...moveInOptionNames, ...keyNames])
  const open = openerOf('fromFlask', own)
  return readerOf('fromFlask', own, {
    system: 'flask',
    cookieName: 'session',
    verify(cookies, name, nowMs): OldTicket | null {
      const opened = open(firstCookie(cookies, name), nowMs)
      if (opened === null) return null
      const { values, expiresAt, identity } = opened
      return { identity, load: () => ({ values, expiresAt }) }
    },
  })
}

/**
 * The values in a cookie of Flask, or `null`. Never throws for a value, whatever it is. `now` is in unix milliseconds.
 *
 * @example
 * ```ts
 * import { readFlaskCookie } from 'coatcheck/migrate/flask'
 * const value = 'eyJmb28iOiJiYXIifQ.ZVPxAA.1_MNtm2qJMC2FSFWcvRi-GXou9M'
 * console.log(readFlaskCookie(value, { secretKey: 'flask-secret', now: 1_700_000_001_000 })) // { foo: 'bar' }
 * ```
 */
export function readFlaskCookie(cookieValue: string | null | undefined, options: FlaskKeys & { readonly now?: number }): Values | null {
  const { now = Date.now(), ...keys } = readerOptions('readFlaskCookie', options, [...keyNames, 'now'])
  return openerOf('readFlaskCookie', keys)(cookieText(cookieValue), now)?.values ?? null
}

/**
 * A `map` for applications that sign in with Flask-Login: `_user_id` becomes the session's user, and what else Flask-Login keeps (`_fresh`,
 * `_id`, `_remember`, `_remember_seconds`) goes. A visitor whose session is over and who has only its `remember_token` signs in again.
 *
 * @example
 * ```ts
 * import { flaskLoginUser } from 'coatcheck/migrate/flask'
 * console.log(flaskLoginUser({ _user_id: '42', _fresh: true, _id: 'ab', cart: ['hat'] })) // { values: { cart: ['hat'] }, user: '42' }
 * ```
 */
export function flaskLoginUser(values: Readonly<Record<string, unknown>>): Mapped {
  const { _user_id: user, _fresh, _id, _remember, _remember_seconds, ...others } = values
  return typeof user === 'string' && user !== '' ? { values: others, user } : { values, user: null }
}

function openerOf(reader: string, keys: FlaskKeys): (cookieValue: string | null, nowMs: number) => Opened | null {
  const { salt = 'cookie-session', digest = 'sha1', keyDerivation = 'hmac', lifetime = 31 * 86_400 } = keys
  if (typeof salt !== 'string' || !digests.includes(digest) || !derivations.includes(keyDerivation))
    throw invalid(
      `${reader}: salt is text, digest one of ${digests.join(', ')}, keyDerivation one of ${derivations.join(', ')}; leave out what Flask's own sessions leave as it is`,
    )
  const seconds = Math.floor(secondsOf(reader, 'lifetime', lifetime))
  const derived = secretBytesOf(reader, 'secretKey', keys.secretKey).map((secret) => derive(secret, salt, digest, keyDerivation))

  return (cookieValue, nowMs) => {
    const [, signed = '', deflated = '', payload64 = '', time64 = '', signature64 = ''] = form.exec(cookieValue ?? '') ?? []
    const [payload, time, signature] = [base64urlBytes(payload64), base64urlBytes(time64), base64urlBytes(signature64)]
    if (signed === '' || payload === null || time === null || time[0] === 0 || signature === null) return null
    const genuine = derived.some((key) => {
      const computed = createHmac(digest, key).update(signed).digest()
      return computed.length === signature.length && timingSafeEqual(computed, signature)
    })
    if (!genuine) return null
    const signedAt = time.readUIntBE(0, time.length)
    const age = Math.floor(nowMs / 1_000) - signedAt
    if (age < 0 || age > seconds) return null
    const json = deflated === '' ? payload : inflated(payload, jsonBytesMax)
    const values = json === null ? null : membersOf(untagged(parseJson(json.toString())))
    return values === null ? null : { values, expiresAt: (signedAt + seconds + 1) * 1_000, identity: hash('sha256', signed, 'hex') }
  }
}

function derive(secret: Buffer, salt: string, digest: Digest, way: NonNullable<FlaskKeys['keyDerivation']>): Buffer {
  if (way === 'none') return secret
  if (way === 'hmac') return createHmac(digest, secret).update(salt).digest()
  const middle = way === 'concat' ? '' : 'signer'
  return hash(digest, Buffer.concat([Buffer.from(salt + middle), secret]), 'buffer')
}
