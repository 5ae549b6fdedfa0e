/**
 * gae-sessions (dound/gae-sessions), App Engine's other session library:
 *
 *   cookies   DgU00="…"; DgU01="…"; …   pieces of one text, joined in the order of their names
 *   text      signature (44)   base64 of HMAC-SHA256, key = cookie_key and sid, message = the pickle
 *             sid (43)         expiry in unix seconds (10), 0 until the browser closes; '_', or 'S' for https only; 32 hex digits
 *             base64           the pickle; nothing where the session is in memcache or the Datastore, under the sid
 *   pickle    (models, values): models of App Engine's db as protocol buffers, which are left out, and all the rest
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { MoveIn, OldSession, OldTicket } from '../http/move-in.ts'
import { oldCookiesOf } from '../http/old-cookies.ts'
import { foundBy, type FoundSession } from './app-engine/found.ts'
import { invalid, moveInOptionNames, readerOf, readerOptions, type MoveInOptions } from './common/reader.ts'
import { readPickle } from './pickle.ts'
import { unquoted } from './webapp2/header.ts'

export type { FoundSession } from './app-engine/found.ts'

export interface GaeSessionsOptions extends Omit<MoveInOptions, 'cookieName'> {
  /** The `cookie_key` of `SessionMiddleware`, text or bytes. */
  readonly cookieKey: string | Uint8Array
  /**
   * Finds the pickle of a session that did not fit its cookie, by sid: the value in memcache, else the property `pdump` of the entity
   * of kind `SessionModel` with that key name. Default: such sessions are not taken over.
   */
  readonly stored?: (sid: string) => Promise<Uint8Array | null | undefined>
  /** Ends such a session, once it has been taken over. */
  readonly end?: (sid: string) => Promise<void>
}

/** A sid that is genuine, and the data that came with it. */
interface Ticket {
  readonly sid: string
  readonly pickle: Buffer
  readonly expiresAt: number | null
}

const first = 'DgU00'
const chunk = /^DgU\d\d$/
const [signatureLength, sidLength] = [44, 43]
const text = /^([A-Za-z0-9+/]{43}=)(\d{10}[_S][\da-f]{32})([A-Za-z0-9+/]*={0,2})$/

/**
 * Takes over the sessions of gae-sessions, each once: those that are in their cookies, and with `stored` those in memcache or the
 * Datastore. Throws `config_invalid`.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { memoryStore } from 'coatcheck/memory'
 * import { fromGaeSessions } from 'coatcheck/migrate/gae-sessions'
 * const sessions = createSessions({
 *   secret: crypto.randomUUID(),
 *   store: memoryStore(),
 *   moveIn: [fromGaeSessions({ cookieKey: 'the cookie_key of the old application, 64 characters' })],
 * })
 * await sessions.close()
 * ```
 */
export function fromGaeSessions(options: GaeSessionsOptions): MoveIn {
  const own = readerOptions('fromGaeSessions', options, [
    ...moveInOptionNames.filter((name) => name !== 'cookieName'),
    'cookieKey',
    'stored',
    'end',
  ])
  const { cookieKey, stored, end } = own
  if ((typeof cookieKey !== 'string' && !(cookieKey instanceof Uint8Array)) || cookieKey.length === 0)
    throw invalid('fromGaeSessions needs a cookieKey; write the cookie_key of the old application')
  const key = Buffer.from(cookieKey as string)

  async function load({ sid, pickle, expiresAt }: Ticket): Promise<OldSession | null> {
    const bytes = pickle.length > 0 ? pickle : await stored?.(sid)
    const values = bytes ? valuesIn(bytes) : null
    return values === null ? null : { values, expiresAt, ...(end === undefined ? {} : { end: () => end(sid) }) }
  }

  return readerOf('fromGaeSessions', own, {
    system: 'gae-sessions',
    cookieName: first,
    expire: (cookies) => cookies.names((name) => chunk.test(name)),
    verify(cookies, _cookieName, nowMs): OldTicket | null {
      const names = cookies.names((name) => chunk.test(name)).toSorted()
      if (!names.every((name, at) => Number(name.slice(3)) === at)) return null
      const pieces = names.map((name) => unquoted(cookies.all(name).at(-1) ?? '') ?? '')
      const ticket = verified(pieces.join(''), key, nowMs)
      return ticket === null ? null : { identity: ticket.sid, load: () => load(ticket) }
    },
  })
}

/**
 * Reads one session of gae-sessions from a raw `Cookie` header, or answers `null`. Never throws for a header, whatever it is; rejects
 * when `stored` does. `now` is in unix milliseconds.
 *
 * @example
 * ```ts
 * import { readGaeSessions } from 'coatcheck/migrate/gae-sessions'
 * console.log(await readGaeSessions('DgU00="junk"', { cookieKey: 'the cookie_key of the old application, 64 characters' })) // null
 * ```
 */
export function readGaeSessions(
  cookieHeader: string | null | undefined,
  { now, ...options }: GaeSessionsOptions & { readonly now?: number },
): Promise<FoundSession | null> {
  return foundBy(fromGaeSessions(options), typeof cookieHeader === 'string' ? oldCookiesOf(cookieHeader) : null, now ?? Date.now())
}

function verified(joined: string, cookieKey: Buffer, nowMs: number): Ticket | null {
  if (joined.length < signatureLength + sidLength) return null
  const [, signature = '', sid = '', base64 = ''] = text.exec(joined) ?? []
  const pickle = Buffer.from(base64, 'base64')
  if (sid === '' || pickle.toString('base64') !== base64) return null
  const computed = createHmac('sha256', Buffer.concat([cookieKey, Buffer.from(sid)]))
    .update(pickle)
    .digest('base64')
  if (!timingSafeEqual(Buffer.from(signature), Buffer.from(computed))) return null
  const expiresAt = Number(sid.slice(0, 10)) * 1000
  if (expiresAt !== 0 && nowMs > expiresAt) return null
  return { sid, pickle, expiresAt: expiresAt === 0 ? null : expiresAt }
}

function valuesIn(bytes: Uint8Array): Record<string, unknown> | null {
  const read = readPickle(bytes)
  if (!read.ok || !Array.isArray(read.value) || read.value.length !== 2) return null
  const [, values] = read.value as unknown[]
  return typeof values === 'object' && values !== null && Object.getPrototypeOf(values) === Object.prototype
    ? (values as Record<string, unknown>)
    : null
}
