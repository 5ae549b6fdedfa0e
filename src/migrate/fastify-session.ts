/**
 * `@fastify/session`:
 *
 *   cookie   sessionId=<prefix><sid>.<signature>   the signature as in common/signed-text.ts; percent-encoded by @fastify/cookie before 10
 *   sid      32 characters of base64url, unless the application has an idGenerator of its own
 *   store    { cookie: { originalMaxAge, expires, … }, …values }, in a Store that express-session would take as well
 */
import type { MoveIn, OldTicket } from '../http/move-in.ts'
import type { DualWriteOptions } from './common/dual-write.ts'
import { decodedCookie, firstCookie } from './common/cookie-value.ts'
import { idTest } from './common/ids.ts'
import { jsonValues, membersOf, parsedValues } from './common/json-values.ts'
import { invalid, moveInOptionNames, readerOf, readerOptions, secretsOf, type MoveInOptions } from './common/reader.ts'
import { signedText } from './common/signed-text.ts'
import { changeableOf, renewal } from './express-session/changing.ts'
import { oldSessions, type ExpressStore } from './express-session/stores.ts'
import { walkOf, type LoadStored } from './express-session/walk.ts'

export { passportUser } from './common/passport.ts'
export type { Mapped } from './common/reader.ts'
export type { ExpressStore, MongoSessions, PostgresSessions, RedisSessions, SessionStoreInstance } from './express-session/stores.ts'

/** The `Signer` of @fastify/cookie, for an application with another algorithm or with keys that are no text. */
export interface FastifySigner {
  unsign(signed: string): { readonly valid: boolean; readonly value: string | null }
}

/** The `secret` of the old application: one, or several, newest first, or its signer. */
export type FastifySecret = string | readonly string[] | FastifySigner

export interface FastifySessionOptions extends MoveInOptions, DualWriteOptions {
  readonly secret: FastifySecret
  /** The store the old application has. Its default one lives in its memory and cannot be read from elsewhere. */
  readonly store: ExpressStore
  /** The `cookiePrefix` of the old application, such as `s:`. Default: none. */
  readonly cookiePrefix?: string
  /** With a Redis client: what stands before each id. Default `sess:`. */
  readonly prefix?: string
  /** With a pg pool: the table, or `schema.table`. Default `session`. */
  readonly table?: string
  /** What a session id looks like, all of it, for an application with an `idGenerator`. Default `/[\w-]{16,128}/`. */
  readonly id?: RegExp
}

const own = ['cookie', 'sessionId', 'encryptedSessionId'] as const
const kind = { own, isOver }
const optionNames = ['dualWrite', 'secret', 'store', 'cookiePrefix', 'prefix', 'table', 'id'] as const

/**
 * Takes over the sessions of @fastify/session, each once, from the cookie `sessionId` or the one `cookieName` says. All values come along;
 * nobody is signed in unless `map` says who. Throws `config_invalid`.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { memoryStore } from 'coatcheck/memory'
 * import { fromFastifySession } from 'coatcheck/migrate/fastify-session'
 * const redis = { get: async () => null, del: async () => 0 } // yours is createClient() of redis
 * const sessions = createSessions({
 *   secret: crypto.randomUUID(),
 *   store: memoryStore(),
 *   moveIn: [fromFastifySession({ secret: 'a secret with minimum length of 32 characters', store: redis, sunset: '2099-12-31' })],
 * })
 * await sessions.close()
 * ```
 */
export function fromFastifySession(options: FastifySessionOptions): MoveIn {
  const given = readerOptions('fromFastifySession', options, [...moveInOptionNames, ...optionNames])
  const idIn = idReader('fromFastifySession', given)
  const isId = idTest('fromFastifySession', given.id)
  const old = oldSessions('fromFastifySession', given)

  const load: LoadStored = async (id, nowMs, because, endsAt = null) => {
    const stored = await old.read(id, nowMs)
    if (stored === null) return null
    const session = typeof stored === 'string' ? jsonValues(stored) : parsedValues(stored)
    const cookie = session?.['cookie'] as { readonly expires?: unknown; readonly originalMaxAge?: unknown } | null | undefined
    const values = typeof cookie === 'object' && cookie !== null ? membersOf(session, own) : null
    if (values === null) because?.('unreadable')
    if (values === null || isOver(cookie?.expires, nowMs)) return null
    const life = cookie?.originalMaxAge
    const lifeEnd = typeof life === 'number' ? nowMs + life : null
    const renew = given.dualWrite === undefined ? undefined : renewal(old, kind, id, stored, nowMs)
    const expiresAt = given.keepOld === true || given.dualWrite !== undefined ? null : (endsAt ?? lifeEnd)
    return { values, expiresAt, end: () => old.end(id), ...(renew === undefined ? {} : { renew }) }
  }

  return readerOf('fromFastifySession', given, {
    system: 'fastify-session',
    cookieName: 'sessionId',
    verify(cookies, name, nowMs): OldTicket | null {
      const id = idIn(firstCookie(cookies, name))
      return id === null || !isId(id) ? null : { identity: id, load: (because) => load(id, nowMs, because) }
    },
    ...walkOf(old, isId, load),
    ...changeableOf(old, kind, load),
  })
}

/**
 * The session id in the value of a cookie of @fastify/session, as it came, or `null`. Never throws for a value, whatever it is.
 *
 * @example
 * ```ts
 * import { readFastifySessionId } from 'coatcheck/migrate/fastify-session'
 * const value = 'JKzaDVogEw9oNaTQjqpv0BRFiu1yDG-R.LRURDhz6Ico2dhW/+12gOPHG+nRa6UWDf2TQ8gECymE'
 * const secret = 'a secret with minimum length of 32 characters'
 * console.log(readFastifySessionId(value, { secret })) // JKzaDVogEw9oNaTQjqpv0BRFiu1yDG-R
 * ```
 */
export function readFastifySessionId(
  cookieValue: string | null | undefined,
  options: { readonly secret: FastifySecret; readonly cookiePrefix?: string },
): string | null {
  const given = readerOptions('readFastifySessionId', options, ['secret', 'cookiePrefix'])
  return idReader('readFastifySessionId', given)(typeof cookieValue === 'string' ? cookieValue : null)
}

function idReader(
  reader: string,
  { secret, cookiePrefix = '' }: { readonly secret: FastifySecret; readonly cookiePrefix?: string },
): (cookieValue: string | null) => string | null {
  if (typeof cookiePrefix !== 'string') throw invalid(`${reader}: cookiePrefix must be text, the one of the old application`)
  const unsign = unsignerOf(reader, secret)
  return (cookieValue) => {
    const text = decodedCookie(cookieValue)
    return text?.startsWith(cookiePrefix) ? unsign(text.slice(cookiePrefix.length)) : null
  }
}

function unsignerOf(reader: string, secret: FastifySecret): (signed: string) => string | null {
  if (typeof secret !== 'object' || secret === null || !('unsign' in secret) || typeof secret.unsign !== 'function') {
    const secrets = secretsOf(reader, 'secret', secret)
    return (signed) => signedText(signed, secrets)
  }
  return (signed) => {
    try {
      const { valid, value } = secret.unsign(signed)
      return valid === true ? value : null
    } catch {
      // Whatever a request brings, a foreign check that throws has found nothing genuine.
      return null
    }
  }
}

/** Stored as JSON it is text, in the memory of the same process a Date. */
function isOver(expires: unknown, nowMs: number): boolean {
  if (expires === null || expires === undefined) return false
  return !(new Date(expires as string | Date).getTime() > nowMs)
}
