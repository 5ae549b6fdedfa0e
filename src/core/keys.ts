/** The key ring: every key the engine uses, derived from the application's secrets once, at start. */
import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { CoatcheckError } from './errors.ts'

/** A server secret: text or bytes, at least 32 of them. */
export type Secret = string | Uint8Array

/** One secret's place on the ring. */
export interface RingKey {
  /** Six url-safe characters that name the secret inside a token; not secret. */
  readonly kid: string
  /** A key for one purpose, one application and one cookie (HKDF-SHA256, RFC 5869). */
  derive(purpose: string): KeyObject
}

/** Newest first; the newest signs, all verify. */
export interface Ring {
  readonly newest: RingKey
  readonly byKid: ReadonlyMap<string, RingKey>
}

/** Derives a ring. `scope` binds its keys to one application and cookie name. Throws `config_invalid`. */
export function createRing(secret: unknown, scope: string): Ring {
  const secrets: unknown[] = Array.isArray(secret) ? secret : [secret]
  const keys = secrets.map((one) => ringKey(one, scope))
  const byKid = new Map(keys.map((key) => [key.kid, key]))
  const newest = keys[0]
  if (newest === undefined) throw missing()
  if (byKid.size < keys.length)
    throw new CoatcheckError('config_invalid', 'the same secret is in `secret` twice; list every secret once, newest first')
  return { newest, byKid }
}

function ringKey(secret: unknown, scope: string): RingKey {
  if (secret === undefined || secret === null || secret === '') throw missing()
  if (typeof secret !== 'string' && !(secret instanceof Uint8Array)) {
    throw new CoatcheckError('config_invalid', '`secret` must be a string or bytes, or an array of them, newest first')
  }
  const bytes = typeof secret === 'string' ? Buffer.from(secret, 'utf8') : secret
  if (bytes.length < 32) {
    throw new CoatcheckError(
      'config_invalid',
      `\`secret\` is ${bytes.length} bytes long and must have 32 or more; make one with: node -p "crypto.randomBytes(32).toString('base64url')"`,
    )
  }
  if (new Set(bytes).size < 8) throw new CoatcheckError('config_invalid', '`secret` repeats itself; use random bytes')
  const derive = (info: string, size: number): Uint8Array => new Uint8Array(hkdfSync('sha256', bytes, 'coatcheck v1', info, size))
  return {
    kid: Buffer.from(derive('key id', 6)).toString('base64url').slice(0, 6),
    derive: (purpose) => createSecretKey(derive(`${purpose}\n${scope}`, 32)),
  }
}

function missing(): CoatcheckError {
  return new CoatcheckError(
    'config_invalid',
    '`secret` is missing; pass 32 or more random bytes that outlive a restart, for example from an environment variable',
  )
}
