/** What the three ways to carry a session have in common. */
import type { State } from './body.ts'
import type { Change, Terms } from './change.ts'
import type { Listener, Rejection } from './events.ts'
import type { Lifetime } from './lifetime.ts'
import type { SchemaCheck } from './schema.ts'
import type { Clock, Outcome, Random, Timers } from './types.ts'

/** A session as a visit holds it. */
export interface Held {
  readonly state: State
  readonly expiresAt: number
  /** The version it was read at; `null` when it lives in no store. */
  readonly version: string | null
  /** The secret the client showed, or was given by this visit; `null` for a session that is only read. */
  readonly secret: Shown | null
}

export interface Shown {
  readonly secret: string
  readonly secretHash: string
  /** Made with an older key than the ring's newest. */
  readonly stale: boolean
  /** Shown was the cookie of an application that runs beside: it opens what has this `from`, and not what takes its place (decision 021). */
  readonly from?: string | null
  /** Its ticket is in use, but not here: the old cookie is as good. */
  readonly byOldCookie?: true
}

/** How a save ended. */
export interface Saved {
  readonly outcome: Outcome
  /** What the visit goes on with; `null` when there is no session (any more). */
  readonly held: Held | null
  /** What the client has to be given: a new token, `'forget'`, or nothing. */
  readonly token: string | null
  /** The state the change was applied to, as the store had it. */
  readonly before: State | null
}

export interface SaveOptions {
  /** What the handler saw, for conflicts; `null` when it saw nothing. */
  readonly opened: State | null
  /** The id a new session was told to have. */
  readonly newId: string
  /** Whether a response can still carry a token nobody asked for. */
  readonly mayRenew: boolean
}

/** One way to carry a session: in a store, sealed in a cookie, or the one that becomes the other. */
export interface Keeper {
  /** The session these tokens open, or `null`. Junk costs no I/O and is an event. */
  open(tokens: readonly string[] | null): Held | null | Promise<Held | null>
  /** What `save` would answer if there is nothing to write, and so nothing to wait for; otherwise `null`. */
  saveNow(held: Held | null, change: Change): Saved | null
  /** Applies a change to the newest state. Rejects when the store failed, and then nothing was promised. */
  save(held: Held | null, change: Change, options: SaveOptions): Promise<Saved>
  /** Whether every change needs a new token. */
  readonly tokenCarriesData: boolean
}

/** What every keeper is given. */
export interface KeeperConfig {
  readonly name: string
  readonly lifetime: Lifetime
  readonly terms: Terms
  readonly clock: Clock
  readonly random: Random
  readonly emit: Listener
  readonly schema: SchemaCheck
  readonly timers: Timers
}

/** Emits why a token opened nothing. */
export function reject(config: KeeperConfig, why: Rejection, id: string | null): null {
  config.emit({ type: 'rejected', name: config.name, why, id })
  return null
}

/** A session nobody stored anything in needs no row. */
export function holdsNothing(state: State): boolean {
  return state.values.size === 0 && state.flashes.length === 0 && state.user === null
}
