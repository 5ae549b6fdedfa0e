/**
 * What Django signs (`django.core.signing`), in the cookie and in its stores:
 *
 *   <payload>:<time>:<signature>   payload: base64url of JSON, behind a leading `.` deflated; time: unix seconds in base 62
 *   signature   base64url of HMAC-SHA256 of payload : time; the key is SHA-256 of the salt, `signer` and SECRET_KEY
 *
 * Before Django 3.1 with SHA-1 in both places, and in the stores otherwise:
 *
 *   base64 of <signature>:<JSON>   signature: hex of HMAC-SHA1 of the JSON; the key is SHA-1 of `django.contrib.sessionsSessionStore`
 *                                  and SECRET_KEY
 */
import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import { base64urlBytes } from '../common/base64url.ts'
import { inflated } from '../common/inflated.ts'
import { membersOf } from '../common/json-values.ts'
import { readPickle } from '../pickle.ts'
import { parseJson } from '../webapp2/json.ts'

export type Values = Record<string, unknown>

export interface Signed {
  readonly values: Values
  readonly signedAtMs: number
  /** What was signed. */
  readonly text: string
}

/** How the old application signed. */
export interface Signing {
  readonly secrets: readonly Buffer[]
  /** Whether it did so before Django 3.1, or still in the way from before. */
  readonly legacy: boolean
  readonly serializer: 'json' | 'pickle'
}

/** Opens what was signed under one salt. */
export type Unsign = (text: string) => Signed | null

const form = /^(\.?)([\w-]+):([\dA-Za-z]{1,8}):([\w-]+)$/
const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const payloadBytesMax = 1_048_576

export const cookieSalt = 'django.contrib.sessions.backends.signed_cookies'
const storedSalt = 'django.contrib.sessions.SessionStore'
const legacySalt = 'django.contrib.sessionsSessionStore'

/** A function that opens what was signed under this salt. */
export function unsigner({ secrets, legacy, serializer }: Signing, salt: string): Unsign {
  const algorithms = legacy ? (['sha256', 'sha1'] as const) : (['sha256'] as const)
  const keys = algorithms.flatMap((digest) => keysOf(secrets, digest, `${salt}signer`))
  return (text) => {
    const [, deflated = '', payload64 = '', time = '', signature64 = ''] = form.exec(text) ?? []
    const [payload, signature] = [base64urlBytes(payload64), base64urlBytes(signature64)]
    const signed = text.slice(0, text.lastIndexOf(':'))
    if (payload === null || signature === null || !isSigned(signed, signature, keys)) return null
    const bytes = deflated === '' ? payload : inflated(payload, payloadBytesMax)
    const values = bytes === null ? null : valuesIn(bytes, serializer)
    return values === null ? null : { values, signedAtMs: secondsIn(time) * 1_000, text: signed }
  }
}

/** A function that opens what the stores hold: `django_session.session_data`, or a file. */
export function storedUnsigner(signing: Signing): (text: string) => Values | null {
  const unsign = unsigner(signing, storedSalt)
  const keys = signing.legacy ? keysOf(signing.secrets, 'sha1', legacySalt) : []
  return (text) => unsign(text)?.values ?? (keys.length === 0 ? null : legacyValues(text, keys, signing.serializer))
}

interface Key {
  readonly digest: 'sha1' | 'sha256'
  readonly key: Buffer
}

function keysOf(secrets: readonly Buffer[], digest: Key['digest'], salt: string): Key[] {
  return secrets.map((secret) => ({ digest, key: hash(digest, Buffer.concat([Buffer.from(salt), secret]), 'buffer') }))
}

function isSigned(text: string | Buffer, signature: Buffer, keys: readonly Key[]): boolean {
  return keys.some(({ digest, key }) => {
    const computed = createHmac(digest, key).update(text).digest()
    return computed.length === signature.length && timingSafeEqual(computed, signature)
  })
}

function legacyValues(text: string, keys: readonly Key[], serializer: Signing['serializer']): Values | null {
  const bytes = Buffer.from(text, 'base64')
  const colon = bytes.indexOf(':')
  const hex = bytes.toString('latin1', 0, Math.max(0, colon))
  if (bytes.length > payloadBytesMax || !/^[\da-f]{40}$/.test(hex) || bytes.toString('base64') !== text) return null
  const payload = bytes.subarray(colon + 1)
  return isSigned(payload, Buffer.from(hex, 'hex'), keys) ? valuesIn(payload, serializer) : null
}

function valuesIn(bytes: Buffer, serializer: Signing['serializer']): Values | null {
  if (serializer === 'json') return membersOf(parseJson(bytes.toString('latin1')))
  const read = readPickle(bytes)
  return read.ok ? dictIn(read.value) : null
}

/** The values of a pickled dict whose keys are text. */
export function dictIn(value: unknown): Values | null {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype ? (value as Values) : null
}

function secondsIn(base62: string): number {
  let seconds = 0
  for (const digit of base62) seconds = seconds * 62 + digits.indexOf(digit)
  return seconds
}
