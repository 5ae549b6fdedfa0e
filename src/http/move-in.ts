/** What a reader of another system's cookies is to the engine. `coatcheck/migrate/…` has one for each system. */
import type { ErrorCode } from '../core/errors.ts'

/** An old cookie that is genuine. Nothing of its store has been read yet. */
export interface OldTicket {
  /** Names the old session for ever: its id, or, for data that travel in the cookie, a hash of it. Kept as a keyed hash only. */
  readonly identity: string
  /**
   * Others may hold the very same cookie: nothing in it is its visitor's own. Then only who brings it first has the session, unless `map`
   * says whose it is: for one user's cookie it does not matter which of their devices comes.
   */
  readonly shared?: boolean
  /**
   * Its data, from its store where it lives in one; `null` when it is over. Rejects when that store fails. A `null` with another reason calls
   * `because` first, for the report of a move in bulk; `map_failed` may also come before a rejection.
   */
  load(because?: (why: MoveInWhy) => void): OldSession | null | Promise<OldSession | null>
}

/**
 * Why an old session was not taken over: it had ended in its store (`over`); there is something, but no session that its reader can read
 * (`unreadable`); its id is none that a cookie could name (`strange_id`); `map` did not want it (`unwanted`) or threw (`map_failed`); or the code
 * that the engine has for it, such as `session_too_large`, `value_invalid`, `schema_invalid` or `too_many_sessions`.
 */
export type MoveInWhy = 'over' | 'unreadable' | 'strange_id' | 'unwanted' | 'map_failed' | ErrorCode

/** What an old session held. */
export interface OldSession {
  readonly values: Readonly<Record<string, unknown>>
  /** Who is signed in, when the reader or the application's `map` can tell. */
  readonly user?: string | null
  /** When the old cookie stops being good by itself, in unix milliseconds; `null`: never. */
  readonly expiresAt: number | null
  /** Ends it in its own store. Called once, when it has been moved, unless `keepOld` is set. */
  end?(): Promise<void>
  /** Lets it live on as a visit to the old application would; only with `dualWrite`, and only when that is due. */
  renew?(): Promise<void>
}

/** What is to change in an old session. Whatever stands in neither stays as it is. */
export interface OldChanges {
  readonly set: Readonly<Record<string, unknown>>
  readonly drop: readonly string[]
}

/** Keeps the sessions of the old store in step with ours, for as long as both applications run. They are named by the identity of their ticket. */
export interface DualWrite {
  /** Whether `load` can tell who is signed in. Then whoever the old application says is signed in, is. */
  readonly tellsUser: boolean
  /** As a ticket's `load`. */
  load(identity: string, nowMs: number): Promise<OldSession | null>
  /** How the old application is to see a change of ours; `null`: not at all. */
  changes(before: Pick<OldSession, 'values' | 'user'>, after: Pick<OldSession, 'values' | 'user'>): Promise<OldChanges | null>
  /**
   * Changes it in its store; `false`: it is over, or by now another's than `user`'s. Never brings one back, as far as its store can be asked
   * for that.
   */
  write(identity: string, changes: OldChanges, nowMs: number, user: string | null): Promise<boolean>
  /** Ends it in its store. What is over already is no failure. */
  end(identity: string): Promise<void>
}

/** The cookies of a request by their exact names, undecoded. */
export interface OldCookies {
  /** Every value under this name, in the order they came; at most `valuesMax`, or none when there are more. */
  all(name: string): readonly string[]
  /** The names that are there and satisfy `test`, in the order they came. */
  names(test: (name: string) => boolean): readonly string[]
}

/** A reader of another system's cookies. Pass them to `createSessions({ moveIn: [...] })`. */
export interface MoveIn {
  /** For events and counters: `express-session`. */
  readonly system: string
  /** The cookie that says that this reader is meant, by exact name. No two readers may share one. */
  readonly cookieName: string
  /** Other names that say so too: of the first piece, where a system cuts what one cookie cannot hold. */
  readonly otherNames?: readonly string[]
  /** All cookies to expire when the session has moved, given what came; by default `cookieName` alone. */
  readonly expire?: (cookies: OldCookies) => readonly string[]
  /** Checks signature, form and age. Never throws and asks nobody: `null` is everything that is not genuine. */
  verify(cookies: OldCookies, nowMs: number): OldTicket | null
  /** All sessions of the old store, a page at a time, for moving them in bulk. `cursor: null` starts, and ends. Only where there is a store. */
  walk?(cursor: string | null, limit: number): Promise<{ readonly tickets: readonly OldTicket[]; readonly cursor: string | null }>
  /** About how many sessions `walk` has, for a progress bar; only where asking is cheap. */
  count?(): Promise<number>
  /** After this moment (unix ms) the reader is gone; `null`: never. */
  readonly sunsetAt: number | null
  /** Leave the old cookie and session as they are, for as long as the old application still serves pages. */
  readonly keepOld: boolean
  /** Keep both in step until `sunsetAt`: it goes with `keepOld` and a sunset. */
  readonly dualWrite?: DualWrite
  /** Where the old cookie was set, so that it can be expired. */
  readonly cookiePath: string
  readonly cookieDomain: string | null
}

/** How many arrived with an old cookie, by system. */
export interface MoveInCount {
  readonly system: string
  /** Sessions taken over. */
  readonly moved: number
  /** Requests that still came with a cookie whose session has moved. */
  readonly replayed: number
  /** Cookies that were not genuine, or over. */
  readonly refused: number
}

/** What `sessions.moveInPage` has done with a page of an old store. */
export interface MoveInPage {
  /** For the next page; `null`: that was the last. */
  readonly cursor: string | null
  readonly moved: number
  /** Moved before, by this or by a visitor who came with his cookie. */
  readonly known: number
  /** Not taken over, each with its reason in `refusals`. */
  readonly refused: number
  readonly refusals: readonly MoveInRefusal[]
  /** About how many there are in all; with the first page, where the reader can tell. */
  readonly total?: number
}

/** An old session that was not taken over. */
export interface MoveInRefusal {
  /** SHA-256 of what names it, in hex, so that who has the id can find it: `printf %s "$id" | sha256sum`. */
  readonly identity: string
  readonly why: MoveInWhy
}

export interface MoveInPageOptions {
  /** Where to go on; default: at the beginning. */
  readonly cursor?: string | null
  /** Sessions in a page. Default 100. */
  readonly limit?: number
  /** Read and check everything, write nothing. Default `false`. */
  readonly dryRun?: boolean
}
