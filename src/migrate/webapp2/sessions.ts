/** The sessions of a Python webapp2 application, read and written beside it. */
import { randomInt } from 'node:crypto'
import { CoatcheckError } from '../../core/errors.ts'
import type { Clock } from '../../core/types.ts'
import { invalid, ownOptions } from '../../http/options.ts'
import type { PickleRefusal } from '../pickle/python.ts'
import type { Looked, Webapp2Backend } from './backend.ts'
import { openCookie, signCookie } from './cookie.ts'
import { signedCookie, type Webapp2SecretKey } from './options.ts'
import type { Edit, Values } from './record.ts'

export interface Webapp2SessionsOptions {
  readonly secretKey: Webapp2SecretKey
  /** webapp2's `cookie_name`, by default `session` there. */
  readonly name: string
  /** `webapp2Memcache(…)` or `webapp2Datastore(…)`: what `get_session(backend=…)` says in the Python application. */
  readonly backend: Webapp2Backend
  /** webapp2's `session_max_age`: seconds since the cookie was last written. Default: no limit, as in webapp2. */
  readonly maxAge?: number | null
  /** Unix milliseconds. Default: the system's clock. */
  readonly clock?: Clock
  /** Told when a session is there and cannot be read, such as one that holds an instance of the application's own class. */
  readonly onUnreadable?: (reason: PickleRefusal) => void
}

/** A session as it was when it was read. */
export interface Webapp2Session {
  /** In webapp2 the key of the session and the secret in the cookie are one: keep it out of logs. */
  readonly sid: string
  readonly values: Values
  /** Unix seconds: when the cookie was last written. */
  readonly writtenAt: number
}

export interface Webapp2Sessions {
  /** The session behind a raw `Cookie` header, or `null`. What is no genuine cookie with a well-formed sid never reaches the backend. */
  read(cookieHeader: string | null | undefined): Promise<Webapp2Session | null>
  /**
   * Changes the newest values and answers them, `null` when there is no such session (it is not brought back). Keys that `edit` leaves
   * alone keep what anybody else wrote meanwhile, in Python's own types. `edit` may run again and must not wait for anything.
   */
  update(sid: string, edit: Edit): Promise<Values | null>
  /** A new session under a new sid. */
  create(values: Readonly<Values>): Promise<string>
  /** The cookie's value for a sid, signed now: send it after `create`, and after `update` where webapp2 has a `session_max_age`. */
  cookie(sid: string): string
  destroy(sid: string): Promise<void>
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const sidLength = 22
/** webapp2's `^\w{22}$`, without the line feed and the letters of other scripts that Python's lets through. */
const sidShape = /^[A-Za-z0-9_]{22}$/

/**
 * Reads and writes the sessions that a webapp2 application keeps in memcache or the Datastore, for as long as both run. The Python side
 * still writes whole dicts: what it loaded before a change made here, and saves after it, it overwrites.
 *
 * The methods reject with `store_unavailable` when the backend fails, `conflict` when others win every attempt, and `value_invalid` or
 * `session_too_large` for values that Python cannot hold. Throws `config_invalid` for wrong options.
 *
 * @example
 * ```ts
 * import { Datastore } from '@google-cloud/datastore'
 * import { webapp2Datastore, webapp2Sessions } from 'coatcheck/migrate/webapp2'
 * const sessions = webapp2Sessions({
 *   secretKey: 'my-super-secret-key',
 *   name: 'session',
 *   backend: webapp2Datastore({ datastore: new Datastore({ projectId: 'shop' }) }),
 * })
 * const session = await sessions.read('session=not-one-of-ours')
 * if (session !== null) await sessions.update(session.sid, (values) => (values.seen = true))
 * ```
 */
export function webapp2Sessions(options: Webapp2SessionsOptions): Webapp2Sessions {
  const own = ownOptions('webapp2Sessions', options, ['secretKey', 'name', 'backend', 'maxAge', 'clock', 'onUnreadable'])
  const { backend, clock = Date.now, onUnreadable, maxAge = null } = own
  const settings = signedCookie('webapp2Sessions', { secretKey: own.secretKey, name: own.name, maxAge })
  if (typeof backend?.update !== 'function')
    throw invalid('webapp2Sessions: write backend: webapp2Memcache(client) or webapp2Datastore({ datastore })')
  const turns = new Map<string, Promise<unknown>>()
  const nowSeconds = (): number => Math.floor(clock() / 1000)

  function readable(looked: Looked): Values | null {
    if (typeof looked !== 'string') return looked
    onUnreadable?.(looked)
    return null
  }

  /** One at a time inside this process: the backend's compare-and-swap is left to lose against others only. */
  function inTurn<T>(sid: string, job: () => Promise<T>): Promise<T> {
    const turn = (turns.get(sid) ?? Promise.resolve()).then(job, job)
    turns.set(sid, turn)
    const done = (): void => void (turns.get(sid) === turn && turns.delete(sid))
    turn.then(done, done)
    return turn
  }

  return {
    async read(cookieHeader) {
      const cookie = openCookie(cookieHeader, settings, nowSeconds())
      const sid = cookie === null ? null : sidIn(cookie.values)
      if (cookie === null || sid === null) return null
      const values = readable(await backend.read(sid, clock()))
      return values === null ? null : { sid, values, writtenAt: cookie.writtenAt }
    },

    update: async (sid, edit) => (isSid(sid) ? readable(await inTurn(sid, () => backend.update(sid, edit, clock()))) : null),

    async create(values) {
      const sid = newSid()
      if (await backend.create(sid, values, clock())) return sid
      throw new CoatcheckError('random_failed', 'a new sid exists already; the random source repeats itself')
    },

    cookie: (sid) => signCookie({ _sid: sid }, settings, nowSeconds()),

    async destroy(sid) {
      if (isSid(sid)) await inTurn(sid, () => backend.delete(sid))
    },
  }
}

function isSid(sid: unknown): sid is string {
  return typeof sid === 'string' && sidShape.test(sid)
}

/** The sid in the values of a cookie of a server-side session. */
export function sidIn(values: Readonly<Values>): string | null {
  const sid = Object.hasOwn(values, '_sid') ? values['_sid'] : null
  return isSid(sid) ? sid : null
}

function newSid(): string {
  return Array.from({ length: sidLength }, () => alphabet.charAt(randomInt(alphabet.length))).join('')
}
