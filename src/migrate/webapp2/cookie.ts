/** webapp2's signed cookie: `base64(JSON) | unix seconds | signature` (`webapp2_extras.securecookie`). */
import { CoatcheckError } from '../../core/errors.ts'
import { lastCookie } from './header.ts'
import { parseJson, writeJson } from './json.ts'
import { cookieSettings, type CookieSettings, type Webapp2CookieOptions, type Webapp2WriteOptions } from './options.ts'
import { sameSignature } from './signature.ts'

/** Name and value together; browsers drop more (RFC 6265bis 5.6). */
const cookieBytesMax = 4_096
/** A clock of another machine may be ahead by this much. */
const aheadMax = 60

/** What one cookie says. */
export interface SignedCookie {
  readonly values: Record<string, unknown>
  /** Unix seconds: when webapp2 last wrote it. */
  readonly writtenAt: number
  /** Covers all of it. */
  readonly signature: string
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Reads the session that a Python webapp2 application keeps in a signed cookie, from the raw `Cookie` header. Answers its values, or
 * `null` for everything that is not such a cookie: a wrong key or name, a changed byte, one that is too old. Never throws for a
 * header, whatever it is; of several cookies with this name the last one counts, quoted by old WebOb or not.
 *
 * `secretKey` and `name` are webapp2's `secret_key` and `cookie_name`, `maxAge` its `session_max_age` in seconds; `now` is in unix
 * seconds. Where the answer differs from webapp2's on purpose: docs/moving-in.md. Throws `config_invalid` for wrong options.
 *
 * @example
 * ```ts
 * import { readWebapp2Cookie } from 'coatcheck/migrate/webapp2'
 * const cookieHeader = 'session=eyJmb28iOiJiYXIifQ==|1327017600|7485e887275b729c31d3029a6162bf1f4d5334d3'
 * const values = readWebapp2Cookie(cookieHeader, { secretKey: 'my-super-secret-key', name: 'session' })
 * console.log(values?.foo) // bar
 * ```
 */
export function readWebapp2Cookie(cookieHeader: string | null | undefined, options: Webapp2CookieOptions): Record<string, unknown> | null {
  const settings = cookieSettings('readWebapp2Cookie', options)
  return openCookie(cookieHeader, settings, settings.now)?.values ?? null
}

/**
 * Writes values as a cookie that webapp2 on Python 2 and on Python 3 reads: the part behind `name=` in a `Set-Cookie`. It needs no
 * quoting. The cookie holds what the values say and nothing of an earlier one; whoever wrote last wins, as among webapp2's own requests.
 *
 * Python tells 1.0 from 1 and JavaScript does not: a whole float comes back to Python as an int. Throws `value_invalid` for what JSON
 * has no word for (a Date, a Map, bytes, a key `__proto__`), `cookie_too_large` where webapp2 would send a cookie that browsers
 * drop, and `config_invalid` for wrong options.
 *
 * @example
 * ```ts
 * import { readWebapp2Cookie, writeWebapp2Cookie } from 'coatcheck/migrate/webapp2'
 * const options = { secretKey: 'my-super-secret-key', name: 'session' }
 * const setCookie = `session=${writeWebapp2Cookie({ foo: 'bar' }, options)}; Path=/; Secure; HttpOnly; SameSite=Lax`
 * const cookieHeader = setCookie.split(';')[0]
 * console.log(readWebapp2Cookie(cookieHeader, options)) // { foo: 'bar' }
 * ```
 */
export function writeWebapp2Cookie(values: Readonly<Record<string, unknown>>, options: Webapp2WriteOptions): string {
  const settings = cookieSettings('writeWebapp2Cookie', options)
  return signCookie(values, settings, settings.now)
}

export function openCookie(header: unknown, settings: CookieSettings, now: number): SignedCookie | null {
  const value = lastCookie(header, settings.name)
  return value === null ? null : openValue(value, settings, now)
}

/** The same for the value alone, unquoted. */
export function openValue(value: string, { name, signers, maxAge }: CookieSettings, now: number): SignedCookie | null {
  const parts = value.split('|', 4)
  const [payload = '', timestamp = '', signature = ''] = parts
  if (parts.length !== 3) return null
  const signed = `${name}|${payload}|${timestamp}`
  // Every key is tried, so that the time does not tell which one it was.
  let known = false
  for (const sign of signers) if (sameSignature(signature, sign(signed))) known = true
  if (!known || !/^\d{1,12}$/.test(timestamp)) return null
  const writtenAt = Number(timestamp)
  if (writtenAt > now + aheadMax || (maxAge !== null && writtenAt < now - maxAge)) return null
  const values = valuesOf(payload)
  return values === null ? null : { values, writtenAt, signature }
}

export function signCookie(values: Readonly<Record<string, unknown>>, { name, signers }: CookieSettings, now: number): string {
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    throw new CoatcheckError('value_invalid', "the values of a webapp2 session are a plain object; write for example { user: 'ada' }")
  }
  const payload = Buffer.from(writeJson(values), 'latin1').toString('base64')
  const text = `${payload}|${now}`
  const [sign] = signers
  const cookie = `${text}|${sign(`${name}|${text}`)}`
  const length = Buffer.byteLength(name) + 1 + cookie.length
  if (length <= cookieBytesMax) return cookie
  throw new CoatcheckError(
    'cookie_too_large',
    `the webapp2 cookie would be ${length} bytes long and browsers drop what is over ${cookieBytesMax}; keep less in it, or use a server-side backend`,
  )
}

function valuesOf(payload: string): Record<string, unknown> | null {
  const bytes = Buffer.from(payload, 'base64')
  // Node reads base64url, blanks and missing padding too; webapp2 writes none of them.
  if (bytes.toString('base64') !== payload) return null
  const text = decoded(bytes)
  const value = text === null ? undefined : parseJson(text)
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null
}

function decoded(bytes: Buffer): string | null {
  try {
    return utf8.decode(bytes)
  } catch {
    return null
  }
}
