/**
 * The seal of iron, as @hapi/iron, iron-webcrypto and h3 make it:
 *
 *   Fe26.2*<password id>*<salt>*<iv>*<ciphertext>*<end>*<mac salt>*<mac>
 *
 *   ciphertext   AES-256 in CBC mode of JSON, base64url without =; the key is PBKDF2-HMAC-SHA1 of password and salt
 *   end          unix milliseconds; empty: it never ends
 *   mac          HMAC-SHA256 of all that stands before the mac salt; its key is made of that in the same way
 *
 * A salt is 64 hex digits, meant as this text. Where the password is bytes these are the key, and the salts are empty. iron takes a seal for
 * 60 seconds more than it lives, for clocks that differ; here it is over when it is over.
 */
import { createDecipheriv, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto'
import { base64urlBytes } from './base64url.ts'
import { invalid } from './reader.ts'

type IronPassword = string | Uint8Array

/** How seals are opened. */
export interface IronKeys {
  /** By the id that a seal names; most name none, which is `''`. */
  passwordOf(id: string): IronPassword | undefined
  /** How many iterations of PBKDF2 a seal may have been made with. */
  readonly iterations: readonly number[]
}

export interface Unsealed {
  readonly json: string
  /** Unix milliseconds; `null`: never. */
  readonly endsAt: number | null
}

const form = /^Fe26\.2\*(\w*)\*([0-9a-f]{64}|)\*([\w-]{22})\*([\w-]+)\*([1-9]\d{0,15}|)\*([0-9a-f]{64}|)\*([\w-]{43})$/
const keyBytes = 32
const passwordLengthMin = 32

/** What a genuine seal that is not over holds, or `null`. */
export function unseal(seal: string, { passwordOf, iterations }: IronKeys, nowMs: number): Unsealed | null {
  const [, id = '', salt = '', iv64 = '', sealed64 = '', end = '', macSalt = '', mac64 = ''] = form.exec(seal) ?? []
  const endsAt = end === '' ? null : Number(end)
  const [iv, sealed, mac] = [base64urlBytes(iv64), base64urlBytes(sealed64), base64urlBytes(mac64)]
  if (iv?.length !== 16 || sealed === null || mac?.length !== 32 || (endsAt !== null && endsAt <= nowMs)) return null
  const password = passwordOf(id)
  if (password === undefined || [salt, macSalt].some((one) => (one === '') !== (typeof password !== 'string'))) return null
  const signed = seal.slice(0, -macSalt.length - mac64.length - 2)
  const count = iterations.find((count) => {
    const computed = createHmac('sha256', keyOf(password, macSalt, count))
      .update(signed)
      .digest()
    return timingSafeEqual(computed, mac)
  })
  const json = count === undefined ? null : decrypted(keyOf(password, salt, count), iv, sealed)
  return json === null ? null : { json, endsAt }
}

/** A password as iron takes it. Throws `config_invalid`. */
export function ironPassword(reader: string, password: unknown): string {
  if (typeof password === 'string' && password.length >= passwordLengthMin) return password
  throw invalid(`${reader}: password must be the old application's, a text of ${passwordLengthMin} characters or more`)
}

function keyOf(password: IronPassword, salt: string, iterations: number): Uint8Array {
  return typeof password === 'string' ? pbkdf2Sync(password, salt, iterations, keyBytes, 'sha1') : password
}

function decrypted(key: Uint8Array, iv: Buffer, sealed: Buffer): string | null {
  try {
    const decipher = createDecipheriv('aes-256-cbc', key, iv)
    return Buffer.concat([decipher.update(sealed), decipher.final()]).toString()
  } catch {
    // Authentic, but no whole blocks, or encrypted under another key.
    return null
  }
}
