/**
 * iron-session 6 to 9, everything in the cookie:
 *
 *   cookie   <name>=<seal>~2   the seal of common/iron.ts, with a password id; iron-session 9 may cut it into <name>.0 to <name>.3
 *   seal     JSON: the values
 *
 * The cookie's name is not sealed: what `sealData` makes under the same password, for links in mails say, is a session as well if somebody
 * puts it into the cookie. So it is for iron-session.
 */
import { hash } from 'node:crypto'
import type { MoveIn, OldCookies, OldTicket } from '../http/move-in.ts'
import { chunkedCookie, chunkNames, cookieText, firstCookie } from './common/cookie-value.ts'
import { ironPassword, unseal, type IronKeys } from './common/iron.ts'
import { jsonValues } from './common/json-values.ts'
import { invalid, moveInOptionNames, readerOf, readerOptions, type MoveInOptions } from './common/reader.ts'

/** The `password` of the old application: one text, or several by their ids, such as `{ 1: '…', 2: '…' }`. */
export type IronSessionPassword = string | Readonly<Record<number, string>>

export interface IronSessionOptions extends MoveInOptions {
  /** The `cookieName` of the old application. */
  readonly cookieName: string
  readonly password: IronSessionPassword
}

type Values = Record<string, unknown>

interface Opened {
  readonly values: Values
  readonly expiresAt: number | null
  readonly identity: string
}

const version = '~2'
const chunksMax = 4

/**
 * Takes over the sessions of iron-session, each once. All values come along; nobody is signed in unless `map` says who. A session made with
 * `ttl: 0` never ends by itself: set a `sunset`. Throws `config_invalid`.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { memoryStore } from 'coatcheck/memory'
 * import { fromIronSession } from 'coatcheck/migrate/iron-session'
 * const password = 'complex_password_at_least_32_characters_long'
 * const sessions = createSessions({
 *   secret: crypto.randomUUID(),
 *   store: memoryStore(),
 *   moveIn: [fromIronSession({ cookieName: 'my-app', password, map: ({ userId, ...values }) => ({ values, user: String(userId) }) })],
 * })
 * await sessions.close()
 * ```
 */
export function fromIronSession(options: IronSessionOptions): MoveIn {
  const own = readerOptions('fromIronSession', options, [...moveInOptionNames, 'password'])
  const keys = keysOf('fromIronSession', own.password)
  return readerOf('fromIronSession', own, {
    system: 'iron-session',
    cookieName: '',
    otherNames: (name) => [`${name}.0`],
    expire: (cookies) => chunkNames(cookies, own.cookieName),
    verify(cookies, name, nowMs): OldTicket | null {
      const session = opened(valueIn(cookies, name), keys, nowMs)
      if (session === null) return null
      const { values, expiresAt, identity } = session
      return { identity, load: () => ({ values, expiresAt }) }
    },
  })
}

/**
 * The values in a cookie of iron-session, or `null`. Chunks are joined before. Never throws for a value, whatever it is. `now` is in unix
 * milliseconds.
 *
 * @example
 * ```ts
 * import { readIronSession } from 'coatcheck/migrate/iron-session'
 * const value =
 *   'Fe26.2*1*82d26ab86785fedb5a9323656f78ac1ded828bd050b8b726afb4ea9ef6d76f48*38IaSfMCVWkM-hW-W3Pheg*ECO2XrCo4ZYN26SoJu1aLQ*' +
 *   '*91b4f39a690f76990e2b19427c296b52ac244918427875fd8b93637e01293597*m2iKgyqP-QV4Zjv6zGTrD85p_LrwsHHJ27CXiGnzkwU~2'
 * console.log(readIronSession(value, { password: 'complex_password_at_least_32_characters_long' })) // { foo: 'bar' }
 * ```
 */
export function readIronSession(
  cookieValue: string | null | undefined,
  options: { readonly password: IronSessionPassword; readonly now?: number },
): Values | null {
  const { password, now = Date.now() } = readerOptions('readIronSession', options, ['password', 'now'])
  return opened(cookieText(cookieValue), keysOf('readIronSession', password), now)?.values ?? null
}

function keysOf(reader: string, password: IronSessionPassword): IronKeys {
  const byId = typeof password === 'string' ? { 1: password } : typeof password === 'object' ? { ...password } : {}
  const passwords = new Map(Object.entries(byId).map(([id, one]) => [id, ironPassword(reader, one)]))
  if (passwords.size > 0 && [...passwords.keys()].every((id) => /^\d{1,15}$/.test(id)))
    return { passwordOf: (id) => passwords.get(id), iterations: [1] }
  throw invalid(`${reader}: password must be the old application's, a text or { 1: 'a text', 2: 'a newer one' }`)
}

/** iron-session takes the pieces where there is no whole. */
function valueIn(cookies: OldCookies, name: string): string | null {
  return firstCookie(cookies, name) ?? chunkedCookie(cookies, name, 0, chunksMax)
}

function opened(cookieValue: string | null, keys: IronKeys, nowMs: number): Opened | null {
  if (!cookieValue?.endsWith(version)) return null
  const seal = cookieValue.slice(0, -version.length)
  const unsealed = unseal(seal, keys, nowMs)
  const values = unsealed === null ? null : jsonValues(unsealed.json)
  // Each seal has salts of its own.
  return unsealed === null || values === null ? null : { values, expiresAt: unsealed.endsAt, identity: hash('sha256', seal, 'hex') }
}
