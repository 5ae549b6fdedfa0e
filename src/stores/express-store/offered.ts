/** What express-session wants of a store: the methods it calls, and those its own base class would have brought. */
import { EventEmitter } from 'node:events'
import { CoatcheckError } from '../../core/errors.ts'
import type { Clock, SessionStore, StoredRow } from '../../core/types.ts'
import { unavailable } from '../common/errors.ts'
import { expiryOf, idOf, isOurs, rowOf, type SessionData, sessionIn } from './record.ts'

type Done = (error?: unknown) => void
type Answer<T> = (error: unknown, value?: T) => void

interface SessionRequest {
  sessionID?: string
  session?: unknown
}

/** How express-session makes a session and its cookie. */
interface Makings {
  readonly Session: new (req: object, data: object) => object
  /** The cookie's constructor is not to be had: express-session has replaced its prototype. */
  readonly cookiePrototype: object
}

interface Settings {
  readonly ttlMs: number
  readonly clock: Clock
  readonly stopSweeping: () => void
}

const attemptsMax = 64
const pageRows = 500

/**
 * A store for `session({ store })` of express-session. Its methods take callbacks; without one they answer a promise.
 *
 * Whoever saves a session that was read saves it on the version that was read. Lost that race, the later save wins, as with any other store
 * of express-session's, but a session that was destroyed meanwhile stays destroyed.
 */
export class ExpressSessionStore extends EventEmitter {
  /** Set by express-session: gives a request a new session. */
  generate?: (req: SessionRequest) => void
  /** Only where the store can walk its rows. */
  readonly all?: <Data>(callback?: Answer<Data[]>) => unknown
  readonly length?: (callback?: Answer<number>) => unknown
  readonly clear?: (callback?: Done) => unknown
  readonly #store: SessionStore
  readonly #settings: Settings
  /** What a session object was read as, or last written as. */
  readonly #bases = new WeakMap<object, { readonly id: string; readonly version: string }>()
  #makings: Makings | null = null

  constructor(store: SessionStore, settings: Settings) {
    super()
    this.#store = store
    this.#settings = settings
    if (store.scan === undefined) return
    this.all = (callback) => answer(this.#all(), callback as Answer<object[]> | undefined)
    this.length = (callback) => answer(this.#length(), callback)
    this.clear = (callback) => answer(this.#clear(), callback)
  }

  get<Data>(sid: string, callback?: (error: unknown, session?: Data | null) => void): unknown {
    return answer(this.#read(sid), callback as Answer<object | null> | undefined)
  }

  set(sid: string, session: object, callback?: Done): unknown {
    return answer(this.#write(sid, session), callback)
  }

  destroy(sid: string, callback?: Done): unknown {
    return answer(this.#store.delete(idOf(sid)), callback)
  }

  touch(sid: string, session: object, callback?: Done): unknown {
    return answer(this.#slide(sid, session), callback)
  }

  /** Stops dropping expired rows, and closes the store. */
  async close(): Promise<void> {
    this.#settings.stopSweeping()
    await this.#store.close?.()
  }

  /** Ends a request's session and gives it a new one. */
  regenerate(req: SessionRequest, callback: Done): void {
    this.destroy(String(req.sessionID), (error) => {
      this.generate?.(req)
      callback(error)
    })
  }

  /** Reads a session outside of a request. */
  load<Data>(sid: string, callback: (error: unknown, session?: Data) => void): void {
    this.get<SessionData>(sid, (error, data) => {
      if (error || !data) return callback(error ?? null)
      callback(null, this.createSession<Data>({ sessionID: sid, sessionStore: this }, data))
    })
  }

  /** Makes what was read the session of a request. */
  createSession<Session>(req: object, data: object): Session {
    const { Session, cookiePrototype } = this.#learn(req)
    const { expires, originalMaxAge, ...others } = (data as SessionData).cookie
    const cookie = Object.assign(Object.create(cookiePrototype) as SessionData['cookie'], { path: '/', httpOnly: true }, others)
    cookie.expires = typeof expires === 'string' ? new Date(expires) : (expires ?? null)
    // Setting `expires` has computed another.
    cookie.originalMaxAge = originalMaxAge ?? null
    const session = new Session(req, Object.assign(data, { cookie }))
    const base = this.#bases.get(data)
    if (base !== undefined) this.#bases.set(session, base)
    Object.assign(req, { session })
    return session as Session
  }

  async #read(sid: string): Promise<SessionData | null> {
    const row = await this.#store.get(idOf(sid))
    if (row === null || this.#isOver(row)) return null
    const session = sessionIn(row)
    if (session !== null) this.#bases.set(session, row)
    return session
  }

  async #write(sid: string, session: object): Promise<void> {
    const { clock, ttlMs } = this.#settings
    const row = rowOf(idOf(sid), session, clock(), ttlMs)
    const base = this.#bases.get(session)
    const wasThere = base?.id === row.id
    let expected = wasThere ? base.version : null
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const version = await this.#store.put(row, expected)
      if (version !== null) return void this.#bases.set(session, { id: row.id, version })
      const found = await this.#store.get(row.id)
      if (found === null && wasThere) return
      expected = found === null ? null : found.version
    }
    throw new CoatcheckError('store_unavailable', `others won every one of ${attemptsMax} attempts to write this session`)
  }

  async #slide(sid: string, session: object): Promise<void> {
    const id = idOf(sid)
    const expiresAt = expiryOf(session, this.#settings.clock(), this.#settings.ttlMs)
    if (this.#store.touch !== undefined) return void (await this.#store.touch(id, expiresAt))
    const found = await this.#store.get(id)
    if (found === null || found.expiresAt >= expiresAt) return
    const { version, ...row } = found
    // Whoever came in between has moved the expiry too.
    const moved = await this.#store.put({ ...row, expiresAt }, version)
    if (moved !== null && this.#bases.get(session)?.version === version) this.#bases.set(session, { id, version: moved })
  }

  async #all(): Promise<SessionData[]> {
    const found: SessionData[] = []
    for await (const row of this.#rows()) {
      const session = this.#isOver(row) ? null : sessionIn(row)
      if (session !== null) found.push(session)
    }
    return found
  }

  async #length(): Promise<number> {
    let length = 0
    for await (const row of this.#rows()) if (!this.#isOver(row)) length++
    return length
  }

  async #clear(): Promise<void> {
    for await (const { id } of this.#rows()) await this.#store.delete(id)
  }

  /** Rows of express-session's sessions, each once. */
  async *#rows(): AsyncGenerator<StoredRow> {
    const seen = new Set<string>()
    for (let cursor: string | null = null; ;) {
      const page: { ids: string[]; cursor: string | null } = (await this.#store.scan?.(cursor, pageRows)) ?? { ids: [], cursor: null }
      for (const id of page.ids) {
        const row = seen.has(id) ? null : await this.#store.get(id)
        seen.add(id)
        if (row !== null && isOurs(row)) yield row
      }
      if (page.cursor === null) return
      cursor = page.cursor
    }
  }

  #isOver({ expiresAt }: StoredRow): boolean {
    return expiresAt < this.#settings.clock()
  }

  /** From a new session that nobody gets: only there does express-session show a store what it makes them of. */
  #learn(req: object): Makings {
    if (this.#makings !== null) return this.#makings
    if (this.generate === undefined)
      throw new CoatcheckError('config_invalid', 'asExpressStore: hand the store to express-session first, as session({ store })')
    const probe = Object.create(req) as SessionRequest & { session: { constructor: unknown; cookie: object } }
    this.generate(probe)
    const Session = probe.session.constructor as Makings['Session']
    this.#makings = { Session, cookiePrototype: Object.getPrototypeOf(probe.session.cookie) as object }
    return this.#makings
  }
}

/** Calls back outside of the promise, so that what a callback throws is its own. */
function answer<T>(working: Promise<T>, callback: Answer<T> | undefined): unknown {
  const promise = working.catch((error: unknown) => {
    throw unavailable('asExpressStore', error)
  })
  if (typeof callback !== 'function') return promise
  promise.then(
    (value) => queueMicrotask(() => callback(null, value)),
    (error: unknown) => queueMicrotask(() => callback(error)),
  )
  return undefined
}
