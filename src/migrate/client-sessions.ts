/**
 * client-sessions (Mozilla), everything in the cookie, encrypted:
 *
 *   cookie      <iv>.<ciphertext>.<createdAt>.<duration>.<mac>   base64url without =, the times in milliseconds as decimals
 *   plaintext   <cookie name>=<JSON>   AES in CBC mode
 *   mac         HMAC of iv . ciphertext . createdAt . duration, where the bytes, not their base64url, are meant
 *   keys        HMAC-SHA256 of a purpose, under the secret, unless both are given
 */
import { createDecipheriv, createHmac, createSecretKey, hash, timingSafeEqual } from 'node:crypto'
import type { MoveIn, OldTicket } from '../http/move-in.ts'
import { base64urlBytes } from './common/base64url.ts'
import { firstCookie } from './common/cookie-value.ts'
import { jsonValues } from './common/json-values.ts'
import { invalid, moveInOptionNames, readerOf, readerOptions, secretsOf, type MoveInOptions } from './common/reader.ts'

const ciphers = {
  aes128: { name: 'aes-128-cbc', keyBytes: 16 },
  aes192: { name: 'aes-192-cbc', keyBytes: 24 },
  aes256: { name: 'aes-256-cbc', keyBytes: 32 },
} as const
const macs = {
  sha256: { hash: 'sha256', keyBytes: 32, bytes: 32 },
  'sha256-drop128': { hash: 'sha256', keyBytes: 32, bytes: 16 },
  sha384: { hash: 'sha384', keyBytes: 48, bytes: 48 },
  'sha384-drop192': { hash: 'sha384', keyBytes: 48, bytes: 24 },
  sha512: { hash: 'sha512', keyBytes: 64, bytes: 64 },
  'sha512-drop256': { hash: 'sha512', keyBytes: 64, bytes: 32 },
} as const

/** The keys of the old application, as it had them. */
export interface ClientSessionsKeys {
  /** One text, or several, newest first. */
  readonly secret?: string | readonly string[]
  /** Its bytes. Default: made from `secret`. */
  readonly encryptionKey?: Uint8Array
  /** Its bytes. Default: made from `secret`. */
  readonly signatureKey?: Uint8Array
  /** Default `aes256`. */
  readonly encryptionAlgorithm?: keyof typeof ciphers
  /** Default `sha256`. */
  readonly signatureAlgorithm?: keyof typeof macs
}

export interface ClientSessionsOptions extends MoveInOptions, ClientSessionsKeys {}

type Values = Record<string, unknown>

interface Opened {
  readonly values: Values
  readonly expiresAt: number
  readonly identity: string
}

type Opener = (cookieValue: string | null, cookieName: string, nowMs: number) => Opened | null

const keyNames = ['secret', 'encryptionKey', 'signatureKey', 'encryptionAlgorithm', 'signatureAlgorithm'] as const
const defaultName = 'session_state'
const form = /^([\w-]{22})\.([\w-]+)\.(0|[1-9]\d{0,15})\.(0|[1-9]\d{0,15})\.([\w-]+)$/

/**
 * Takes over the sessions of client-sessions, each once, from the cookie `session_state` or the one `cookieName` says. All values come
 * along; nobody is signed in unless `map` says who. Throws `config_invalid`.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { memoryStore } from 'coatcheck/memory'
 * import { fromClientSessions } from 'coatcheck/migrate/client-sessions'
 * const old = fromClientSessions({ cookieName: 'mySession', secret: 'blargadeeblargblarg-long-enough', sunset: '2099-12-31' })
 * const sessions = createSessions({ secret: crypto.randomUUID(), store: memoryStore(), moveIn: [old] })
 * await sessions.close()
 * ```
 */
export function fromClientSessions(options: ClientSessionsOptions): MoveIn {
  const own = readerOptions('fromClientSessions', options, [...moveInOptionNames, ...keyNames])
  const open = openerOf('fromClientSessions', own)
  return readerOf('fromClientSessions', own, {
    system: 'client-sessions',
    cookieName: defaultName,
    verify(cookies, name, nowMs): OldTicket | null {
      const opened = open(firstCookie(cookies, name), name, nowMs)
      if (opened === null) return null
      const { values, expiresAt, identity } = opened
      return { identity, load: () => ({ values, expiresAt }) }
    },
  })
}

/**
 * The values in a cookie of client-sessions, or `null`. Never throws for a value, whatever it is. `cookieName` is by default
 * `session_state`; `now` is in unix milliseconds.
 *
 * @example
 * ```ts
 * import { readClientSession } from 'coatcheck/migrate/client-sessions'
 * const value =
 *   'eU1O5_mqr112oaX-huR0WA.hZK9U55p3erXsuQLhnCLa7ukM0Qr3pD5tui5OsEQP7g.1700000000000.86400000.khOr-2XrVpmoqfsugH0sXQHOJb_QAq78dVffYpnl4LE'
 * const now = 1_700_000_001_000
 * console.log(readClientSession(value, { secret: 'blargadeeblargblarg-long-enough', cookieName: 'mySession', now })) // { foo: 'bar' }
 * ```
 */
export function readClientSession(
  cookieValue: string | null | undefined,
  options: ClientSessionsKeys & { readonly cookieName?: string; readonly now?: number },
): Values | null {
  const own = readerOptions('readClientSession', options, [...keyNames, 'cookieName', 'now'])
  const { cookieName = defaultName, now = Date.now() } = own
  const value = typeof cookieValue === 'string' ? cookieValue : ''
  return (
    openerOf('readClientSession', own)(firstCookie({ all: () => [value], names: () => [] }, cookieName), cookieName, now)?.values ?? null
  )
}

function openerOf(reader: string, keys: ClientSessionsKeys): Opener {
  const { encryptionAlgorithm = 'aes256', signatureAlgorithm = 'sha256' } = keys
  if (!Object.hasOwn(ciphers, encryptionAlgorithm) || !Object.hasOwn(macs, signatureAlgorithm))
    throw invalid(
      `${reader}: encryptionAlgorithm is one of ${Object.keys(ciphers).join(', ')}, signatureAlgorithm one of ${Object.keys(macs).join(', ')}`,
    )
  const [cipher, mac] = [ciphers[encryptionAlgorithm], macs[signatureAlgorithm]]
  const pairs = keyPairs(reader, keys, cipher.keyBytes, mac.keyBytes).map(({ encryptionKey, signatureKey }) => ({
    encryptionKey: createSecretKey(encryptionKey),
    signatureKey: createSecretKey(signatureKey),
  }))

  return (cookieValue, cookieName, nowMs) => {
    const [, iv64 = '', sealed64 = '', createdAt = '', duration = '', mac64 = ''] = form.exec(cookieValue ?? '') ?? []
    const [iv, sealed, given] = [base64urlBytes(iv64), base64urlBytes(sealed64), base64urlBytes(mac64)]
    if (iv?.length !== 16 || sealed === null || given?.length !== mac.bytes) return null
    const signed = Buffer.concat([iv, Buffer.from('.'), sealed, Buffer.from(`.${createdAt}.${duration}`)])
    const pair = pairs.find(({ signatureKey }) =>
      timingSafeEqual(createHmac(mac.hash, signatureKey).update(signed).digest().subarray(0, mac.bytes), given),
    )
    const expiresAt = Number(createdAt) + Number(duration)
    if (pair === undefined || expiresAt < nowMs) return null
    const values = valuesIn(decrypted(cipher.name, pair.encryptionKey, iv, sealed), cookieName)
    return values === null ? null : { values, expiresAt, identity: hash('sha256', given, 'hex') }
  }
}

interface KeyPair {
  readonly encryptionKey: Uint8Array
  readonly signatureKey: Uint8Array
}

function keyPairs(
  reader: string,
  { secret, encryptionKey, signatureKey }: ClientSessionsKeys,
  cipherBytes: number,
  macBytes: number,
): KeyPair[] {
  const derived = (master: string, purpose: string): Buffer => createHmac('sha256', master).update(`cookiesession-${purpose}`).digest()
  const secrets = encryptionKey && signatureKey && secret === undefined ? [''] : secretsOf(reader, 'secret', secret)
  const pairs = secrets.map((master) => ({
    encryptionKey: encryptionKey ?? derived(master, 'encryption'),
    signatureKey: signatureKey ?? derived(master, 'signature'),
  }))
  const fits = (key: unknown, bytesMin: number): key is Uint8Array => key instanceof Uint8Array && key.length >= bytesMin
  if (
    pairs.every(
      (pair) => fits(pair.encryptionKey, cipherBytes) && pair.encryptionKey.length === cipherBytes && fits(pair.signatureKey, macBytes),
    )
  )
    return pairs
  throw invalid(
    `${reader}: these algorithms go with an encryptionKey of ${cipherBytes} bytes and a signatureKey of at least ${macBytes}; write those of the old application`,
  )
}

function decrypted(cipher: string, key: ReturnType<typeof createSecretKey>, iv: Buffer, sealed: Buffer): string | null {
  try {
    const decipher = createDecipheriv(cipher, key, iv)
    return Buffer.concat([decipher.update(sealed), decipher.final()]).toString()
  } catch {
    // Signed, but encrypted under another key.
    return null
  }
}

function valuesIn(plaintext: string | null, cookieName: string): Values | null {
  return plaintext?.startsWith(`${cookieName}=`) ? jsonValues(plaintext.slice(cookieName.length + 1)) : null
}
