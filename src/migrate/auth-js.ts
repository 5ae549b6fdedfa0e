/**
 * Auth.js and NextAuth.js with sessions in the cookie (strategy `jwt`):
 *
 *   cookie   __Secure-authjs.session-token=<JWE>   of common/jwe.ts; a long one is cut into <name>.0, <name>.1 and on
 *   JWE      JSON, the claims: sub, name, email, picture, whatever the application's jwt callback adds; iat, exp, jti
 *   keys     HKDF-SHA256 of the secret. NextAuth.js 4: A256GCM. Auth.js (NextAuth.js 5): A256CBC-HS512, which the cookie's name salts
 */
import { hash, hkdfSync } from 'node:crypto'
import type { MoveIn, OldCookies, OldTicket } from '../http/move-in.ts'
import { chunkedCookie, chunkNames, cookieText, firstCookie } from './common/cookie-value.ts'
import { jsonValues, membersOf } from './common/json-values.ts'
import { jweKeyBytes, openJwe, type JweEncryption, type JweKeys } from './common/jwe.ts'
import { invalid, moveInOptionNames, readerOf, readerOptions, secretsOf, type MoveInOptions } from './common/reader.ts'

/** What makes the keys of the old application. */
export interface AuthJsKeys {
  /** `AUTH_SECRET` or `NEXTAUTH_SECRET`: one, or several, newest first. */
  readonly secret: string | readonly string[]
  /** Of NextAuth.js: 4, or 5, which is Auth.js. Default 4 for a cookie whose name says `next-auth`, else 5. */
  readonly version?: 4 | 5
  /** Default `__Secure-authjs.session-token`, or with `version: 4` `__Secure-next-auth.session-token`. Over plain http there is no `__Secure-`. */
  readonly cookieName?: string
}

export interface AuthJsOptions extends MoveInOptions, AuthJsKeys {
  readonly cookieName?: string
}

type Values = Record<string, unknown>

interface Opened {
  readonly values: Values
  readonly user: string | null
  readonly expiresAt: number | null
  readonly identity: string
}

const names = { 4: '__Secure-next-auth.session-token', 5: '__Secure-authjs.session-token' } as const
const encryptions: Readonly<Record<4 | 5, readonly JweEncryption[]>> = { 4: ['A256GCM'], 5: ['A256CBC-HS512', 'A256GCM'] }
const claims = ['iat', 'exp', 'nbf', 'jti'] as const
const chunksMax = 10

/**
 * Takes over the sessions of Auth.js and NextAuth.js, each once. Whoever has one is signed in there, so `sub` is the user of the new session;
 * all claims come along, but for `iat`, `exp`, `nbf` and `jti`. Without a database `sub` is what the provider says, or in version 5 a new
 * UUID at each sign-in: then say with `map` who it is. Throws `config_invalid`.
 *
 * With strategy `database` the cookie is a row's name, and no JWE: such sessions are not taken over.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { memoryStore } from 'coatcheck/memory'
 * import { fromAuthJs } from 'coatcheck/migrate/auth-js'
 * const old = fromAuthJs({ secret: 's3cr3t', version: 4, map: ({ email, ...values }) => ({ values, user: String(email) }) })
 * const sessions = createSessions({ secret: crypto.randomUUID(), store: memoryStore(), moveIn: [old] })
 * await sessions.close()
 * ```
 */
export function fromAuthJs(options: AuthJsOptions): MoveIn {
  const own = readerOptions('fromAuthJs', options, [...moveInOptionNames, 'secret', 'version'])
  const { version, name, keys } = keysOf('fromAuthJs', own)
  return readerOf('fromAuthJs', own, {
    system: 'auth-js',
    cookieName: names[version],
    otherNames: (name) => [`${name}.0`],
    expire: (cookies) => chunkNames(cookies, name),
    verify(cookies, name, nowMs): OldTicket | null {
      const opened = open(valueIn(cookies, name), keys, nowMs)
      if (opened === null) return null
      const { identity, values, user, expiresAt } = opened
      return { identity, load: () => ({ values, user, expiresAt }) }
    },
  })
}

/**
 * The claims in a session cookie of Auth.js or NextAuth.js, but for `iat`, `exp`, `nbf` and `jti`, or `null`. Pieces are joined before. Never
 * throws for a value, whatever it is. `now` is in unix milliseconds.
 *
 * @example
 * ```ts
 * import { readAuthJsSession } from 'coatcheck/migrate/auth-js'
 * console.log(readAuthJsSession('eyJhbGciOiJub25lIn0..', { secret: 's3cr3t', version: 4 })) // null
 * ```
 */
export function readAuthJsSession(cookieValue: string | null | undefined, options: AuthJsKeys & { readonly now?: number }): Values | null {
  const own = readerOptions('readAuthJsSession', options, ['secret', 'version', 'cookieName', 'now'])
  const { now = Date.now() } = own
  return open(cookieText(cookieValue), keysOf('readAuthJsSession', own).keys, now)?.values ?? null
}

function keysOf(reader: string, { secret, cookieName, version }: AuthJsKeys): { version: 4 | 5; name: string; keys: JweKeys } {
  const guessed = typeof cookieName === 'string' && cookieName.includes('next-auth') ? 4 : 5
  const of = version ?? guessed
  if (of !== 4 && of !== 5) throw invalid(`${reader}: version must be 4 for NextAuth.js 4, or 5 for NextAuth.js 5 and Auth.js`)
  const name = cookieName ?? names[of]
  const [salt, info] =
    of === 4 ? ['', 'NextAuth.js Generated Encryption Key'] : [String(name), `Auth.js Generated Encryption Key (${String(name)})`]
  const secrets = secretsOf(reader, 'secret', secret)
  const derived = (enc: JweEncryption): [JweEncryption, Uint8Array[]] => [
    enc,
    secrets.map((one) => new Uint8Array(hkdfSync('sha256', one, salt, info, jweKeyBytes[enc]))),
  ]
  return { version: of, name, keys: Object.fromEntries(encryptions[of].map(derived)) }
}

/** Auth.js joins whatever begins with the name, and removes the pieces when it writes a whole. */
function valueIn(cookies: OldCookies, name: string): string | null {
  return firstCookie(cookies, name) ?? chunkedCookie(cookies, name, 0, chunksMax)
}

function open(cookieValue: string | null, keys: JweKeys, nowMs: number): Opened | null {
  const plaintext = cookieValue === null ? null : openJwe(cookieValue, keys)
  const token = plaintext === null ? null : jsonValues(plaintext.toString())
  const values = membersOf(token, claims)
  if (cookieValue === null || token === null || values === null) return null
  const [from, end] = [momentOf(token['nbf']), momentOf(token['exp'])]
  // Not a number: both comparisons are false.
  if ((from !== null && !(from <= nowMs)) || (end !== null && !(end > nowMs))) return null
  const { sub } = values
  // Each has an iv of its own, and one spelling.
  return { values, user: typeof sub === 'string' && sub !== '' ? sub : null, expiresAt: end, identity: hash('sha256', cookieValue, 'hex') }
}

/** Seconds of a claim as milliseconds; `null` without it. */
function momentOf(claim: unknown): number | null {
  if (claim === undefined) return null
  return typeof claim === 'number' ? claim * 1_000 : Number.NaN
}
