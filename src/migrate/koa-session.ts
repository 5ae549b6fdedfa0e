/**
 * koa-session:
 *
 *   koa.sess=<base64 of JSON>   koa.sess.sig=<signature>   the pair of common/keygrip.ts, everything in the cookie
 *   koa.sess=<id>               koa.sess.sig=<signature>   with a store; by default a UUID
 *
 * In the JSON and in the store beside the values: `_expire`, unix milliseconds, and `_maxAge`; or `_session`, until the browser closes.
 */
import type { MoveIn, MoveInWhy, OldChanges, OldSession, OldTicket } from '../http/move-in.ts'
import { oldCookiesOf } from '../http/old-cookies.ts'
import { firstCookie } from './common/cookie-value.ts'
import { changed, type DualWriteOptions, type IsTheirs } from './common/dual-write.ts'
import { checkProof, idTest, strangeId } from './common/ids.ts'
import { jsonValues, membersOf } from './common/json-values.ts'
import { dataIdentity, keygripOf, pairedCookie, signatureName, type Keygrip, type KeygripKeys } from './common/keygrip.ts'
import { invalid, moveInOptionNames, readerOf, readerOptions, type MoveInOptions } from './common/reader.ts'

export type { Keygrip, KeygripKeys } from './common/keygrip.ts'
export { passportUser } from './common/passport.ts'
export type { Mapped } from './common/reader.ts'

/** The `store` of koa-session. */
export interface KoaStore {
  get(id: string, maxAge: undefined, options: { readonly rolling: boolean }): unknown
  destroy(id: string): unknown
  /** What `dualWrite` needs besides. */
  set?(id: string, session: object, maxAge: number | 'session', options: { readonly changed: boolean; readonly rolling: boolean }): unknown
  /** Only for moving in bulk, which koa-session itself cannot: a page of ids; `cursor: null` starts, and ends. */
  ids?(cursor: string | null, limit: number): Promise<{ readonly ids: readonly string[]; readonly cursor: string | null }>
}

export interface KoaSessionOptions extends MoveInOptions, DualWriteOptions {
  /** The old application's `app.keys`: texts, newest first, or its `Keygrip`. */
  readonly keys?: KeygripKeys
  /** The `store` that koa-session was given. Default: the sessions are in the cookie itself. */
  readonly store?: KoaStore
  /** What a session id looks like, all of it, for an application with a `genid` or a `prefix`. Default `/[\w-]{16,128}/`. */
  readonly id?: RegExp
  /** Only with `store`, for an application that wrote `signed: false`: its cookie is not signed, so that its id alone opens the session. */
  readonly allowUnsignedIds?: true
}

type Values = Record<string, unknown>
type Found = Pick<OldSession, 'values' | 'expiresAt'>

const own = ['_expire', '_maxAge', '_session'] as const

/**
 * Takes over the sessions of koa-session, each once, from the cookies `koa.sess` and `koa.sess.sig`, or those `cookieName` says: out of the
 * cookie or, with `store`, out of that; never what is meant for the other. All values come along; nobody is signed in unless `map` says who.
 * Throws `config_invalid`.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { memoryStore } from 'coatcheck/memory'
 * import { fromKoaSession } from 'coatcheck/migrate/koa-session'
 * const sessions = createSessions({
 *   secret: crypto.randomUUID(),
 *   store: memoryStore(),
 *   moveIn: [fromKoaSession({ keys: ['some secret hurr'], sunset: '2099-12-31' })],
 * })
 * await sessions.close()
 * ```
 */
export function fromKoaSession(options: KoaSessionOptions): MoveIn {
  const given = readerOptions('fromKoaSession', options, [...moveInOptionNames, 'dualWrite', 'keys', 'store', 'id', 'allowUnsignedIds'])
  const { store, id, cookieName: name = 'koa.sess' } = given
  const keygrip = keygripIn(given)
  const isId = idTest('fromKoaSession', id)
  const write = store === undefined ? undefined : writerOf(store)
  const goesOn = given.keepOld === true || given.dualWrite !== undefined
  const load = store === undefined ? null : loaderOf(store, goesOn, given.dualWrite === undefined ? undefined : write)
  return readerOf('fromKoaSession', given, {
    system: 'koa-session',
    cookieName: 'koa.sess',
    expire: () => [name, signatureName(name)],
    verify(cookies, name, nowMs): OldTicket | null {
      const value = keygrip === null ? firstCookie(cookies, name) : pairedCookie(cookies, name, keygrip)
      if (value === null) return null
      if (load !== null) return isId(value) ? { identity: value, load: (because) => load(value, nowMs, because) } : null
      const found = inCookie(value, nowMs)
      return found === null ? null : { identity: dataIdentity(value), shared: found.expiresAt === null, load: () => found }
    },
    ...(load === null || store?.ids === undefined ? {} : { walk: walker(store, isId, load) }),
    ...(load === null || write === undefined ? {} : { changeable: { load, write, end: async (id) => void (await store?.destroy(id)) } }),
  })
}

/**
 * The values of a session that koa-session keeps in its cookie, from a raw `Cookie` header, or `null`. Never throws for a header, whatever
 * it is. `cookieName` is by default `koa.sess`; `now` is in unix milliseconds.
 *
 * @example
 * ```ts
 * import { readKoaSession } from 'coatcheck/migrate/koa-session'
 * const header = 'koa.sess=eyJmb28iOiJiYXIiLCJfc2Vzc2lvbiI6dHJ1ZX0=; koa.sess.sig=ICvZafXVgncjvGAXJ22Mhn3LXYU'
 * console.log(readKoaSession(header, { keys: 'some secret hurr' })) // { foo: 'bar' }
 * ```
 */
export function readKoaSession(
  cookieHeader: string | null | undefined,
  options: { readonly keys: KeygripKeys; readonly cookieName?: string; readonly now?: number },
): Values | null {
  const { keys, cookieName = 'koa.sess', now = Date.now() } = readerOptions('readKoaSession', options, ['keys', 'cookieName', 'now'])
  const keygrip = keygripOf('readKoaSession', keys)
  const value = typeof cookieHeader === 'string' ? pairedCookie(oldCookiesOf(cookieHeader), cookieName, keygrip) : null
  return value === null ? null : ((inCookie(value, now)?.values ?? null) as Values | null)
}

/** `null`: nothing is signed, and that has been written down. */
function keygripIn(options: KoaSessionOptions): Keygrip | null {
  const { keys, store, allowUnsignedIds } = options
  if (store !== undefined && (typeof store?.get !== 'function' || typeof store.destroy !== 'function'))
    throw invalid('fromKoaSession: store must be the one that koa-session was given, with get and destroy')
  checkProof('fromKoaSession', options, store ?? null, { name: 'keys', given: keys !== undefined })
  return allowUnsignedIds ? null : keygripOf('fromKoaSession', keys as KeygripKeys)
}

type Load = (id: string, nowMs: number, because?: (why: MoveInWhy) => void) => Promise<OldSession | null>
type Write = (id: string, changes: OldChanges, nowMs: number, isTheirs?: IsTheirs) => Promise<boolean>

/** `goesOn`: the old application does, and moves the end of its sessions. */
function loaderOf(store: KoaStore, goesOn: boolean, write: Write | undefined): Load {
  return async (id, nowMs, because) => {
    const stored = await store.get(id, undefined, { rolling: false })
    const session = membersOf(stored)
    if (session === null && stored !== null && stored !== undefined) because?.('unreadable')
    const found = judged(session, nowMs)
    if (found === null) return null
    const { values, expiresAt } = found
    const lifeMs = session?.['_maxAge']
    // As koa-session's `renew` does it.
    const due = write !== undefined && expiresAt !== null && typeof lifeMs === 'number' && expiresAt - nowMs < lifeMs / 2
    return {
      values,
      expiresAt: goesOn ? null : expiresAt,
      end: async () => void (await store.destroy(id)),
      ...(due ? { renew: async () => void (await write(id, { set: {}, drop: [] }, nowMs)) } : {}),
    }
  }
}

/** A store of koa-session cannot compare: of two who change a session at once the last one's values stand. */
function writerOf(store: KoaStore): Write | undefined {
  const { set } = store
  if (typeof set !== 'function') return undefined
  return async (id, changes, nowMs, isTheirs) => {
    const session = membersOf(await store.get(id, undefined, { rolling: false }))
    const found = judged(session, nowMs)
    if (session === null || found === null || (await isTheirs?.(found.values)) === false) return false
    const next = changed(session, changes, own)
    const lifeMs = next['_maxAge']
    const lives = typeof lifeMs === 'number'
    // koa-session keeps it in its store for ten seconds longer than its cookie.
    const maxAge = lives ? lifeMs + 10_000 : 'session'
    await set.call(store, id, lives ? { ...next, _expire: nowMs + lifeMs } : next, maxAge, { changed: true, rolling: false })
    return true
  }
}

function walker(store: KoaStore, isId: (text: string) => boolean, load: Load): NonNullable<MoveIn['walk']> {
  return async (from, limit) => {
    const { ids = [], cursor = null } = (await store.ids?.(from, limit)) ?? {}
    const tickets = ids.map((id): OldTicket => {
      const read: OldTicket['load'] = (because) => load(id, Date.now(), because)
      return { identity: id, load: isId(id) ? read : strangeId }
    })
    return { tickets, cursor }
  }
}

function inCookie(value: string, nowMs: number): Found | null {
  return judged(jsonValues(Buffer.from(value, 'base64').toString()), nowMs)
}

function judged(session: Values | null, nowMs: number): Found | null {
  const expiresAt = typeof session?.['_expire'] === 'number' ? session['_expire'] : null
  const values = expiresAt !== null && expiresAt < nowMs ? null : membersOf(session, own)
  return values === null ? null : { values, expiresAt }
}
