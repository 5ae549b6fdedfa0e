/**
 * express-session, with whatever store:
 *
 *   cookie    connect.sid=s%3A<sid>.<signature>   the signature as in common/signed-text.ts; the name is not signed
 *   sid       32 characters of base64url, unless the application has a genid of its own
 *   store     JSON { cookie: { originalMaxAge, expires, … }, …values }; express-session/stores.ts
 */
import type { MoveIn, OldTicket } from '../http/move-in.ts'
import type { DualWriteOptions } from './common/dual-write.ts'
import { decodedCookie, firstCookie } from './common/cookie-value.ts'
import { idTest } from './common/ids.ts'
import { jsonValues, membersOf, parsedValues } from './common/json-values.ts'
import { moveInOptionNames, readerOf, readerOptions, secretsOf, type MoveInOptions } from './common/reader.ts'
import { signedText } from './common/signed-text.ts'
import { changeableOf, renewal } from './express-session/changing.ts'
import { oldSessions, type ExpressStore } from './express-session/stores.ts'
import { walkOf, type LoadStored } from './express-session/walk.ts'

export { passportUser } from './common/passport.ts'
export type { Mapped } from './common/reader.ts'
export type { ExpressStore, MongoSessions, PostgresSessions, RedisSessions, SessionStoreInstance } from './express-session/stores.ts'

export interface ExpressSessionOptions extends MoveInOptions, DualWriteOptions {
  /** The `secret` of the old application: one, or several, newest first. */
  readonly secret: string | readonly string[]
  /**
   * Where its sessions are: a client of node-redis or ioredis (as connect-redis lays them out), a pool of pg (connect-pg-simple), a
   * collection of mongodb (connect-mongo), or any `Store` of express-session: that one too where its store has options that change what is
   * stored, such as a serializer, `transformId` or encryption.
   */
  readonly store: ExpressStore
  /** With a Redis client: what stands before each id. Default `sess:`. */
  readonly prefix?: string
  /** With a pg pool: the table, or `schema.table`. Default `session`. */
  readonly table?: string
  /** What a session id looks like, all of it, for an application with a `genid`; nothing else reaches the store. Default `/[\w-]{16,128}/`. */
  readonly id?: RegExp
}

const kind = { own: ['cookie'] } as const

/**
 * Takes over the sessions of express-session, each once, from the cookie `connect.sid` or the one `cookieName` says. All values come along,
 * connect-flash's `flash` among them; nobody is signed in unless `map` says who: with Passport write `map: passportUser`. Throws
 * `config_invalid`.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { memoryStore } from 'coatcheck/memory'
 * import { fromExpressSession, passportUser } from 'coatcheck/migrate/express-session'
 * const redis = { get: async () => null, del: async () => 0 } // yours is createClient() of redis
 * const sessions = createSessions({
 *   secret: crypto.randomUUID(),
 *   store: memoryStore(),
 *   moveIn: [fromExpressSession({ secret: 'keyboard cat', store: redis, map: passportUser, sunset: '2099-12-31' })],
 * })
 * await sessions.close()
 * ```
 */
export function fromExpressSession(options: ExpressSessionOptions): MoveIn {
  const own = readerOptions('fromExpressSession', options, [...moveInOptionNames, 'dualWrite', 'secret', 'store', 'prefix', 'table', 'id'])
  const secrets = secretsOf('fromExpressSession', 'secret', own.secret)
  const isId = idTest('fromExpressSession', own.id)
  const old = oldSessions('fromExpressSession', own)

  const load: LoadStored = async (id, nowMs, because, endsAt = null) => {
    const stored = await old.read(id, nowMs)
    if (stored === null) return null
    const session = typeof stored === 'string' ? jsonValues(stored) : parsedValues(stored)
    const cookie = membersOf(session?.['cookie'])
    const values = cookie === null ? null : membersOf(session, ['cookie'])
    if (values === null) {
      because?.('unreadable')
      return null
    }
    const renew = own.dualWrite === undefined ? undefined : renewal(old, kind, id, stored, nowMs)
    const expiresAt = own.keepOld === true || own.dualWrite !== undefined ? null : (endsAt ?? lifeEnd(cookie, nowMs))
    return { values, expiresAt, end: () => old.end(id), ...(renew === undefined ? {} : { renew }) }
  }

  return readerOf('fromExpressSession', own, {
    system: 'express-session',
    cookieName: 'connect.sid',
    verify(cookies, name, nowMs): OldTicket | null {
      const id = idIn(firstCookie(cookies, name), secrets)
      return id === null || !isId(id) ? null : { identity: id, load: (because) => load(id, nowMs, because) }
    },
    ...walkOf(old, isId, load),
    ...changeableOf(old, kind, load),
  })
}

/** Nobody renews it from now on, unless the old application goes on. */
function lifeEnd(cookie: Readonly<Record<string, unknown>> | null, nowMs: number): number | null {
  const lifeMs = cookie?.['originalMaxAge']
  return typeof lifeMs === 'number' ? nowMs + lifeMs : null
}

/**
 * The session id in the value of an express-session cookie, as it came (`s%3A…`), or `null`. Never throws for a value, whatever it is.
 *
 * @example
 * ```ts
 * import { readExpressSessionId } from 'coatcheck/migrate/express-session'
 * const value = 's%3ACdp60xWt7ewrGsQT8h7h1sTG8aaFU8Ee.0mrc%2BGvJDu59zm%2BrwPz16cMrdYgAFp6EK1XPfQuvzzI'
 * console.log(readExpressSessionId(value, { secret: 'keyboard cat' })) // Cdp60xWt7ewrGsQT8h7h1sTG8aaFU8Ee
 * ```
 */
export function readExpressSessionId(
  cookieValue: string | null | undefined,
  options: { readonly secret: string | readonly string[] },
): string | null {
  const { secret } = readerOptions('readExpressSessionId', options, ['secret'])
  return idIn(typeof cookieValue === 'string' ? cookieValue : null, secretsOf('readExpressSessionId', 'secret', secret))
}

function idIn(cookieValue: string | null, secrets: readonly string[]): string | null {
  const text = decodedCookie(cookieValue)
  return text?.startsWith('s:') ? signedText(text.slice(2), secrets) : null
}
