import type { State } from './body.ts'
import type { Change, Terms } from './change.ts'
import type { Duration } from './duration.ts'

/** How a session reaches the visit it belongs to. */
export interface SessionPort {
  readonly terms: Terms
  now(): number
  newId(): string
  /** Throws when an edit is not possible now. `needsTicket`: the client would have to be told. */
  mayEdit(session: { readonly isNew: boolean }, needsTicket: boolean): void
  edited(): void
  csrfToken(): string | null
  /**
   * Commits one change ahead of the others and answers the state it was applied to, `null` when the session is over, or
   * `'later'` when it lives in a cookie and can only be written with the response. Waits for a commit under way: after its sign-in the
   * secret before would find the session over.
   */
  commitNow(change: Change): Promise<State | 'later' | null>
  unreadable(key: string): void
}

/** Options of {@link Session.set}. */
export interface SetOptions {
  /** Ends this value before its session ends: `'10m'`, or milliseconds. */
  readonly ttl?: Duration
}
