import { CoatcheckError } from '../core/errors.ts'
import type { Guard } from '../core/guard.ts'
import { systemRandom, systemTimers } from '../core/machine.ts'
import type { Session } from '../core/session.ts'
import type { SessionStore } from '../core/types.ts'
import type { SessionInfo, Users } from '../core/users.ts'
import type { MoveIn, MoveInCount, MoveInPage, MoveInPageOptions } from './move-in.ts'
import { isOldName } from './old-cookies.ts'
import { Opened } from './opened.ts'
import { namedOptions, type SessionsOptions } from './session-options.ts'
import { createRoom, tombstoneLives, type House, type Room } from './room.ts'
import { startSweeping } from './sweeper.ts'
import type { RequestHead, Visit } from './types.ts'
import { roomNamed, RoomVisit } from './visit.ts'

/** Whatever holds a request's headers: a `Request`, `Headers`, Node's `req` or `req.headers`, or the text of a Cookie header. */
export type HeadersLike =
  | string
  | { get(name: string): string | null }
  | {
      readonly headers: { get(name: string): string | null } | Record<string, string | string[] | undefined>
      readonly method?: string | undefined
    }
  | Record<string, string | string[] | undefined>

/** The sessions of an application. Made by {@link createSessions}; `name` is a key of `stores`, by default the first. */
export interface Sessions<Data extends object = Record<string, unknown>> {
  /** Begins one request's way through. Adapters call it; costs nothing until the session is asked for. */
  visit(head: RequestHead): Visit<Data>
  /**
   * The session behind these headers, for reading only: no cookie is set, no timeout moves. For a second service beside the
   * application. Given a whole request with an unsafe method, it judges its origin too.
   */
  peek(headers: HeadersLike | null | undefined, name?: string): Promise<Session<Data> | null>
  /** A user's live sessions, last used first. Needs a store with a user index (`unsupported`). */
  list(user: string, name?: string): Promise<SessionInfo[]>
  /** Ends one session by its public id, everywhere and for requests under way. `false`: no such session. */
  revoke(id: string, name?: string): Promise<boolean>
  /** Ends all sessions of a user, but for `except` (a session id). Answers how many were alive by the clock and lifetimes of this process. */
  revokeUser(user: string, options?: { readonly except?: string }, name?: string): Promise<number>
  /** How many arrived with a cookie of a system that `moveIn` reads, since the start of this process. */
  moveInCounts(name?: string): MoveInCount[]
  /**
   * Moves a page of an old system's store, for `npx coatcheck migrate` and the like. Visitors who arrive meanwhile move by themselves; nobody
   * is moved twice. Throws `unsupported` for a system without a store to walk.
   */
  moveInPage(system: string, options?: MoveInPageOptions, name?: string): Promise<MoveInPage>
  /**
   * Resolves when every store is there and fit for its work. Await it before the server listens: it rejects with `config_invalid` and
   * what to do (migrate a schema, change a policy that evicts), or with `store_unavailable`. Without it such things are events.
   */
  ready(): Promise<void>
  /** Stops the sweeper and closes the stores. */
  close(): Promise<void>
}

/**
 * Sets up the sessions of an application, once, at start. Throws `config_invalid` with a sentence that says what to write.
 *
 * @example
 * ```ts
 * import { createSessions } from 'coatcheck'
 * import { memoryStore } from 'coatcheck/memory'
 *
 * const sessions = createSessions<{ name: string }>({
 *   secret: process.env['SESSION_SECRET'] ?? crypto.randomUUID(),
 *   store: memoryStore(),
 *   lifetime: { idle: '30m', absolute: '12h' },
 * })
 * if ((await sessions.peek('__Host-session=junk')) !== null) throw new Error('unexpected')
 * await sessions.close()
 * ```
 */
export function createSessions<Data extends object = Record<string, unknown>>(options: SessionsOptions<Data>): Sessions<Data> {
  const named = namedOptions(options)
  const [[, { clock = Date.now, random = systemRandom, timers = systemTimers }]] = named as [[string, SessionsOptions]]
  const house: House = { clock, random, timers, tombstoneLifeMs: tombstoneLives(named.map(([, own]) => own)) }
  const rooms = new Map<string, Room>(named.map(([name, own]) => [name, createRoom(name, own, house)]))
  refuseSharedCookies(rooms)
  refuseOldNames(
    rooms,
    named.flatMap(([, { moveIn = [] }]) => moveIn),
  )
  const guards = [...rooms.values()].flatMap(({ guard }) => guard ?? [])
  // Several sessions may share a store: it is swept and closed once.
  const guardsOf = Map.groupBy(guards, ({ store }) => store) as Map<SessionStore, [Guard, ...Guard[]]>
  const stops = [...guardsOf.values()].map((of) => startSweeping(of, house))

  const usersOf = (name: string | undefined): Users => {
    const { users } = roomNamed(rooms, name)
    if (users !== null) return users
    throw new CoatcheckError(
      'unsupported',
      "a sealed session lives in its cookie only and cannot be listed or revoked; use carrier 'stored' or 'spill'",
    )
  }

  return {
    visit: (head) => new RoomVisit<Data>(rooms, head),
    peek: async (headers, name) => {
      const opened = await Opened.open(roomNamed(rooms, name), headOf(headers), { readOnly: true }).catch(refusedIsNull)
      return opened === null || opened.session.isNew ? null : (opened.session as unknown as Session<Data>)
    },
    list: async (user, name) => usersOf(name).list(user),
    revoke: async (id, name) => usersOf(name).revoke(id),
    revokeUser: async (user, options = {}, name) =>
      usersOf(name).revokeAll(user, Object.hasOwn(options, 'except') ? (options.except ?? null) : null),
    moveInCounts: (name) => roomNamed(rooms, name).moving?.counts ?? [],
    moveInPage: async (system, options = {}, name) => {
      const { moving } = roomNamed(rooms, name)
      if (moving !== null) return moving.page(system, options)
      throw new CoatcheckError('unsupported', 'these sessions have no readers; write createSessions({ moveIn: [ … ] })')
    },
    async ready() {
      await Promise.all([...guardsOf.values()].map(([guard]) => guard.ready()))
    },
    async close() {
      for (const stop of stops) stop()
      for (const guard of guards) guard.close()
      for (const store of guardsOf.keys()) await store.close?.()
    },
  }
}

function refuseSharedCookies(rooms: ReadonlyMap<string, Room>): void {
  const names = [...rooms.values()].map(({ transport }) => transport.name)
  const twice = names.find((name, i) => names.indexOf(name) < i)
  if (twice !== undefined)
    throw new CoatcheckError('config_invalid', `two named sessions share the cookie "${twice}"; drop cookie.name, or give each its own`)
}

/** A cookie that expires with a move must not be one of ours: the response would take back the ticket that it brings. */
function refuseOldNames(rooms: ReadonlyMap<string, Room>, readers: readonly MoveIn[]): void {
  const cookies = [...rooms.values()].flatMap(({ transport }) => (transport.ambient ? transport.name : []))
  const taken = cookies.find((name) => readers.some((reader) => isOldName(reader, name)))
  if (taken !== undefined)
    throw new CoatcheckError(
      'config_invalid',
      `a reader of moveIn expires the old cookie "${taken}", which is also the name of ours; give cookie.name another name`,
    )
}

function refusedIsNull(error: unknown): null {
  if (error instanceof CoatcheckError && error.code === 'csrf_refused') return null
  throw error
}

function headOf(from: HeadersLike | null | undefined): RequestHead {
  if (from === null || from === undefined) return { method: 'GET', header: () => undefined }
  if (typeof from === 'string') return { method: 'GET', header: (name) => (name === 'cookie' ? from : undefined) }
  const { headers, method, url } = from as { headers?: unknown; method?: unknown; url?: unknown }
  const whole = typeof headers === 'object' && headers !== null && !Array.isArray(headers)
  return { method: whole && typeof method === 'string' ? method : 'GET', header: readerOf(whole ? headers : from, url) }
}

/** HTTP/2 says `:authority` where HTTP/1 says Host, and a Request made by hand says it in its URL alone. */
function readerOf(headers: object, url: unknown): RequestHead['header'] {
  if ('get' in headers && typeof headers.get === 'function') {
    const fetched = headers as { get(name: string): string | null }
    return (name) => fetched.get(name) ?? (name === 'host' && typeof url === 'string' ? URL.parse(url)?.host : undefined)
  }
  return (name) => {
    if (name === 'host' && !Object.hasOwn(headers, name)) name = ':authority'
    const value: unknown = Object.hasOwn(headers, name) ? (headers as Record<string, unknown>)[name] : undefined
    if (Array.isArray(value)) return value.join(name === 'cookie' ? '; ' : ', ')
    return typeof value === 'string' ? value : undefined
  }
}
