import { invalid, ownOptions } from '../../http/options.ts'
import { signer, type Signer } from './signature.ts'

/** webapp2's `secret_key`: text or bytes; while it is being changed a list, newest first, of which the first signs and all verify. */
export type Webapp2SecretKey = string | Uint8Array | readonly (string | Uint8Array)[]

export interface Webapp2WriteOptions {
  readonly secretKey: Webapp2SecretKey
  /** webapp2's `cookie_name`, by default `session` there. */
  readonly name: string
  /** Unix seconds. Default: the system's clock. */
  readonly now?: number
}

export interface Webapp2CookieOptions extends Webapp2WriteOptions {
  /** webapp2's `session_max_age`: seconds since the cookie was last written. Default: no limit, as in webapp2. */
  readonly maxAge?: number | null
}

export interface CookieSettings {
  readonly signers: readonly [Signer, ...Signer[]]
  readonly name: string
  /** Seconds. */
  readonly maxAge: number | null
}

/** Checks the options of a cookie. Throws `config_invalid`. */
export function cookieSettings(who: string, options: Webapp2CookieOptions): CookieSettings & { readonly now: number } {
  const own = ownOptions(who, options, ['secretKey', 'name', 'maxAge', 'now'])
  const { now } = own
  return { ...signedCookie(who, own), now: Math.floor(now === undefined ? Date.now() / 1000 : finite(who, 'now', now)) }
}

/** The same without the moment. */
export function signedCookie(who: string, { secretKey, name, maxAge = null }: Omit<Webapp2CookieOptions, 'now'>): CookieSettings {
  const [first, ...others] = Array.isArray(secretKey) ? (secretKey as readonly unknown[]) : [secretKey]
  // No blank, quote, comma, semicolon or equals sign: what browsers and WebOb both take for a name.
  if (typeof name !== 'string' || !/^[\w!#$%&'*+.^`|~-]{1,256}$/.test(name))
    throw invalid(`${who}: \`name\` is no cookie name; write webapp2's cookie_name, such as 'session'`)
  return {
    signers: [signerOf(who, first), ...others.map((one) => signerOf(who, one))],
    name,
    maxAge: maxAge === null ? null : finite(who, 'maxAge', maxAge),
  }
}

function signerOf(who: string, key: unknown): Signer {
  if ((typeof key !== 'string' && !(key instanceof Uint8Array)) || key.length === 0)
    throw invalid(`${who}: \`secretKey\` is missing; write webapp2's secret_key, as text or bytes, or a list of them, newest first`)
  return signer(key)
}

function finite(who: string, option: string, value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw invalid(`${who}: \`${option}\` must be a number of seconds`)
}
