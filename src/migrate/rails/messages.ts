/**
 * What Rails puts into a cookie (ActiveSupport's MessageEncryptor and MessageVerifier), each part base64 with `=`:
 *
 *   encrypted   <ciphertext>--<iv>--<tag>   AES-256-GCM
 *   signed      <data>--<hex of its HMAC>
 *   in it       {"_rails":{"message":<base64 of the value, serialized>,"exp":<ISO 8601 or null>,"pur":"cookie.<name>"}}
 *               or, before Rails 6 (`use_cookies_with_metadata`), the serialized value itself
 *   key         PBKDF2 of secret_key_base and a salt, 1,000 iterations, with SHA-1, since Rails 7 SHA-256
 */
import { createDecipheriv, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto'
import { membersOf } from '../common/json-values.ts'
import { parseJson } from '../webapp2/json.ts'

export type KeyDigest = 'sha1' | 'sha256'
export type SignedDigest = KeyDigest | 'sha384' | 'sha512'

/** Opens the text of a cookie; `null` when it is not genuine. */
export type OpenMessage = (text: string) => Buffer | null

export interface Message {
  /** The value, parsed. */
  readonly value: unknown
  /** Unix milliseconds; `null`: never. */
  readonly expiresAt: number | null
}

export interface KeySettings {
  readonly secrets: readonly string[]
  readonly digests: readonly KeyDigest[]
  readonly salt: string
  readonly iterations: number
}

const cipherKeyBytes = 32
const macKeyBytes = 64
const ivBytes = 12
const tagBytes = 16
const instant = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/

export function decrypter(settings: KeySettings): OpenMessage {
  const keys = keysOf(settings, cipherKeyBytes)
  return (text) => {
    const parts = text.split('--', 4)
    const [sealed, iv, tag] = parts.map(base64Bytes)
    if (parts.length !== 3 || !sealed || iv?.length !== ivBytes || tag?.length !== tagBytes) return null
    for (const key of keys) {
      const message = decrypted(key, sealed, iv, tag)
      if (message !== null) return message
    }
    return null
  }
}

export function verifier(settings: KeySettings, digest: SignedDigest): OpenMessage {
  const keys = keysOf(settings, macKeyBytes)
  return (text) => {
    const [data = '', mac = '', ...others] = text.split('--', 3)
    const [bytes, given] = [base64Bytes(data), Buffer.from(mac)]
    const genuine = keys.some((key) => {
      const computed = Buffer.from(createHmac(digest, key).update(data).digest('hex'))
      return computed.length === given.length && timingSafeEqual(computed, given)
    })
    return genuine && others.length === 0 ? bytes : null
  }
}

/**
 * The value in a genuine message that is not over, `null` for what was meant for another cookie, is not serialized as JSON (Marshal
 * above all), or is no message. `unmarked`: also what does not say which cookie it was meant for.
 */
export function messageIn(bytes: Buffer, cookieName: string, unmarked: boolean, nowMs: number): Message | null {
  const outer = parseJson(bytes.toString())
  const metadata = membersOf(membersOf(outer)?.['_rails'])
  if (metadata === null) return unmarked && outer !== undefined ? { value: outer, expiresAt: null } : null
  const { message, exp, pur } = metadata
  const expiresAt = exp === null || exp === undefined ? null : typeof exp === 'string' && instant.test(exp) ? Date.parse(exp) : Number.NaN
  const isMeant = pur === `cookie.${cookieName}` || (unmarked && (pur === null || pur === undefined))
  if (!isMeant || typeof message !== 'string' || (expiresAt !== null && !(nowMs < expiresAt))) return null
  const inner = base64Bytes(message)
  const value = inner === null ? undefined : parseJson(inner.toString())
  return value === undefined ? null : { value, expiresAt }
}

function keysOf({ secrets, digests, salt, iterations }: KeySettings, bytes: number): readonly Buffer[] {
  return secrets.flatMap((secret) => digests.map((digest) => pbkdf2Sync(secret, salt, iterations, bytes, digest)))
}

function decrypted(key: Buffer, sealed: Buffer, iv: Buffer, tag: Buffer): Buffer | null {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, iv)
    decipher.setAuthTag(tag)
    return Buffer.concat([decipher.update(sealed), decipher.final()])
  } catch {
    // Not encrypted under this key.
    return null
  }
}

/** `null` for base64 that is spelled in any other way than the one. */
function base64Bytes(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : null
}
