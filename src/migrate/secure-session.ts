/**
 * @fastify/secure-session, everything in the cookie:
 *
 *   cookie   session=<base64 of tag and ciphertext>;<base64 of nonce>   percent-encoded; NaCl's secretbox, see common/secretbox.ts
 *   box      JSON: the values, and __ts, the unix seconds of the last change, from version 7 on
 *   key      given, or Argon2id of a secret: 3 passes, 256 MiB, one lane
 */
import crypto, { hash } from 'node:crypto'
import type { MoveIn, OldTicket } from '../http/move-in.ts'
import { cookieText, decodedCookie, firstCookie } from './common/cookie-value.ts'
import { jsonValues, membersOf } from './common/json-values.ts'
import { invalid, moveInOptionNames, readerOf, readerOptions, type MoveInOptions } from './common/reader.ts'
import { openSecretbox, secretboxKeyBytes, secretboxNonceBytes } from './common/secretbox.ts'

/** A `key` of the old application: its 32 bytes, or base64 of them. */
export type SecureSessionKey = string | Uint8Array

/** The keys of the old application, as it had them. */
export interface SecureSessionKeys {
  /** One key, or several, newest first. */
  readonly key?: SecureSessionKey | readonly SecureSessionKey[]
  /** The `secret`, where there is no `key`. Making a key of it takes a second and 256 MiB at every start: see {@link secureSessionKey}. */
  readonly secret?: string
  /** Its `salt`, where it has one: text, or 16 bytes. */
  readonly salt?: string | Uint8Array
  /** Its `expiry`, in seconds. Default 86,401. */
  readonly expiry?: number
}

export interface SecureSessionOptions extends MoveInOptions, SecureSessionKeys {}

type Values = Record<string, unknown>

interface Opened {
  readonly values: Values
  readonly expiresAt: number | null
  readonly identity: string
}

const keyNames = ['key', 'secret', 'salt', 'expiry'] as const
const own = ['__ts'] as const
const defaultSalt = 'mq9hDxBVDbspDR6nLfFT1g=='
const saltBytes = 16
const secretBytesMin = 32
const argon = { parallelism: 1, memory: 262_144, passes: 3, tagLength: secretboxKeyBytes } as const
const form = /^([A-Za-z0-9+/]+={0,2});([A-Za-z0-9+/]{32})$/

/**
 * Takes over the sessions of @fastify/secure-session, each once, from the cookie `session` or the one `cookieName` says. All values come
 * along; nobody is signed in unless `map` says who. An application with several sessions has a reader for each. Throws `config_invalid`, also
 * for a `secret` where Node has no `crypto.argon2Sync` (before 24.7).
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { memoryStore } from 'coatcheck/memory'
 * import { fromSecureSession } from 'coatcheck/migrate/secure-session'
 * const sessions = createSessions({
 *   secret: crypto.randomUUID(),
 *   store: memoryStore(),
 *   moveIn: [fromSecureSession({ key: 'AwoRGB8mLTQ7QklQV15lbHN6gYiPlp2kq7K5wMfO1dw=', cookieName: 'my-session-cookie' })],
 * })
 * await sessions.close()
 * ```
 */
export function fromSecureSession(options: SecureSessionOptions): MoveIn {
  const given = readerOptions('fromSecureSession', options, [...moveInOptionNames, ...keyNames])
  const open = openerOf('fromSecureSession', given)
  return readerOf('fromSecureSession', given, {
    system: 'secure-session',
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
 * The values in a cookie of @fastify/secure-session, as it came, or `null`. Never throws for a value, whatever it is. `now` is in unix
 * milliseconds.
 *
 * @example
 * ```ts
 * import { readSecureSession } from 'coatcheck/migrate/secure-session'
 * const value = 'o97RJ7OmZI963R9ebTkvvMHpg3sFeXK%2FkdeBDHeGXMP%2B5ScCUtTqHC24DAf4zI4%3D%3BSzDOS6PlrRgt7znMnqSuJ3IAWbK9hv3q'
 * const key = 'AwoRGB8mLTQ7QklQV15lbHN6gYiPlp2kq7K5wMfO1dw='
 * console.log(readSecureSession(value, { key, now: 1_700_000_001_000 })) // { foo: 'bar' }
 * ```
 */
export function readSecureSession(
  cookieValue: string | null | undefined,
  options: SecureSessionKeys & { readonly now?: number },
): Values | null {
  const given = readerOptions('readSecureSession', options, [...keyNames, 'now'])
  const { now = Date.now() } = given
  return openerOf('readSecureSession', given)(cookieText(cookieValue), now)?.values ?? null
}

/**
 * The key, as base64, that @fastify/secure-session makes of a `secret` and a `salt`: to be made once, kept where the secret was kept, and
 * given as `key`. Takes a second and 256 MiB. Throws `config_invalid`, also where Node has no `crypto.argon2Sync` (before 24.7).
 *
 * @example
 * ```ts
 * import { fromSecureSession, secureSessionKey } from 'coatcheck/migrate/secure-session'
 * if (Number.parseFloat(process.versions.node) >= 24.7) {
 *   const key = secureSessionKey('averylogphrasebiggerthanthirtytwochars')
 *   console.log(fromSecureSession({ key }).cookieName) // session
 * }
 * ```
 */
export function secureSessionKey(secret: string, salt?: string | Uint8Array): string {
  return keyOfSecret('secureSessionKey', secret, salt).toString('base64')
}

function keyOfSecret(reader: string, secret: unknown, salt: unknown = Buffer.from(defaultSalt, 'base64')): Buffer {
  const nonce = typeof salt === 'string' ? Buffer.from(salt, 'latin1') : salt
  if (typeof secret !== 'string' || Buffer.byteLength(secret) < secretBytesMin)
    throw invalid(`${reader}: secret must be the old application's, a text of ${secretBytesMin} bytes or more`)
  if (!(nonce instanceof Uint8Array) || nonce.length !== saltBytes)
    throw invalid(`${reader}: salt must be the old application's, ${saltBytes} bytes`)
  // Absent in Node 22, which we support.
  const { argon2Sync } = crypto as Partial<typeof crypto>
  if (argon2Sync === undefined)
    throw invalid(
      `${reader}: this Node has no crypto.argon2Sync; run secureSessionKey(secret, salt) once on Node 24.7 or newer and pass key`,
    )
  return argon2Sync('argon2id', { message: secret, nonce, ...argon })
}

function keysOf(reader: string, { key, secret, salt }: SecureSessionKeys): readonly Uint8Array[] {
  if (key === undefined) return [keyOfSecret(reader, secret, salt)]
  const all: unknown[] = Array.isArray(key) ? key : [key]
  const keys = all.map((one) => (typeof one === 'string' ? Buffer.from(one, 'base64') : one))
  const fits = (one: unknown): one is Uint8Array => one instanceof Uint8Array && one.length === secretboxKeyBytes
  if (keys.length === 0 || !keys.every(fits) || secret !== undefined || salt !== undefined)
    throw invalid(
      `${reader}: key must be ${secretboxKeyBytes} bytes, base64 of them, or an array of such, newest first; secret and salt go without it`,
    )
  return keys
}

function openerOf(reader: string, config: SecureSessionKeys): (cookieValue: string | null, nowMs: number) => Opened | null {
  const { expiry = 86_401 } = config
  if (!Number.isFinite(expiry) || expiry <= 0) throw invalid(`${reader}: expiry must be that of the old application, in seconds`)
  const keys = keysOf(reader, config)

  return (cookieValue, nowMs) => {
    const text = decodedCookie(cookieValue)
    const [, box64 = '', nonce64 = ''] = form.exec(text ?? '') ?? []
    const [box, nonce] = [bytesIn(box64), bytesIn(nonce64)]
    if (text === null || box === null || nonce?.length !== secretboxNonceBytes) return null
    let json: Buffer | null = null
    for (const key of keys) json ??= openSecretbox(box, nonce, key)
    const session = json === null ? null : jsonValues(json.toString())
    const changedAt = session?.['__ts']
    const values = membersOf(session, own)
    // Before version 7 there is none, and such a session does not end.
    if (values === null || (changedAt !== undefined && typeof changedAt !== 'number')) return null
    const expiresAt = changedAt === undefined ? null : (changedAt + expiry) * 1_000
    return expiresAt !== null && expiresAt <= nowMs ? null : { values, expiresAt, identity: hash('sha256', text, 'hex') }
  }
}

/** `null` for base64 that is spelled in any other way than the one. */
function bytesIn(base64: string): Buffer | null {
  const bytes = Buffer.from(base64, 'base64')
  return bytes.toString('base64') === base64 ? bytes : null
}
