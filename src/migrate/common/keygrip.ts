/**
 * Cookies in pairs, as npm's cookies and keygrip sign them: beside `name=value` stands `name.sig`, base64url without `=` of
 * HMAC-SHA1 of the text `name=value`.
 */
import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import type { OldCookies } from '../../http/move-in.ts'
import { firstCookie } from './cookie-value.ts'
import { secretsOf } from './reader.ts'

/** A `Keygrip` of the old application, for one that has another algorithm or encoding. */
export interface Keygrip {
  verify(data: string, digest: string): boolean
}

/** The `keys` of the old application: texts, newest first, or its `Keygrip`. */
export type KeygripKeys = string | readonly string[] | Keygrip

/** Throws `config_invalid`. */
export function keygripOf(reader: string, keys: KeygripKeys): Keygrip {
  if (typeof keys === 'object' && keys !== null && 'verify' in keys && typeof keys.verify === 'function') return careful(keys)
  const secrets = secretsOf(reader, 'keys', keys)
  return {
    verify(data, digest) {
      const given = Buffer.from(digest)
      return secrets.some((secret) => {
        const computed = Buffer.from(createHmac('sha1', secret).update(data).digest('base64url'))
        return computed.length === given.length && timingSafeEqual(computed, given)
      })
    },
  }
}

/** Whatever a request brings, a foreign check that throws has found nothing genuine. */
function careful(keygrip: Keygrip): Keygrip {
  return {
    verify(data, digest) {
      try {
        // A promise is no yes.
        return keygrip.verify(data, digest) === true
      } catch {
        return false
      }
    },
  }
}

/** The value of a pair that is genuine, or `null`. */
export function pairedCookie(cookies: OldCookies, name: string, keygrip: Keygrip): string | null {
  const [value, signature] = [firstCookie(cookies, name), firstCookie(cookies, signatureName(name))]
  return value !== null && signature !== null && keygrip.verify(`${name}=${value}`, signature) ? value : null
}

export function signatureName(name: string): string {
  return `${name}.sig`
}

/**
 * What names a session that travels in its cookie: its data and nothing else, so that the pair that an older key has signed and the one
 * that a newer key signed again are one session.
 */
export function dataIdentity(value: string): string {
  return hash('sha256', value, 'hex')
}
