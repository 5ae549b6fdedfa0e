import type { Flaw } from './ticket.ts'

/** Why a token opened nothing. A fixed set of words, fit for a metric's label. */
export type Rejection =
  | Flaw
  /** Two different genuine tickets, or more than four candidates, under one cookie name. */
  | 'ambiguous'
  /** A genuine ticket whose session is not (or no longer) stored. */
  | 'absent'
  /** The secret is not the session's: it was replaced by a sign-in or rotation. */
  | 'replaced'
  /** A replaced secret came back after its grace although its successor was in use: somebody copied it. The session was ended. */
  | 'reused'
  | 'idle'
  | 'absolute'
  /** Created further in the future than clocks may differ. */
  | 'clock'
  /** The row, or one value of it, is not in our format. */
  | 'unreadable'
  /** A sealed copy older than what the store knows of it. */
  | 'outdated'
  /** An unsafe request from another site. */
  | 'csrf'
  /** A cookie of a system we move in from that is not genuine, or over. */
  | 'foreign'
  /** A cookie of a system we move in from whose session has moved already. */
  | 'moved'
  /** With `dualWrite`: the old application has ended the session, or signed somebody else in or out. */
  | 'signed_out'

/**
 * What happened, for logs, metrics and alarms. Carries public ids only: no secret, no cookie, no value.
 *
 * `name` is the session's name in `stores`, or `'session'`.
 */
export type SessionEvent =
  | {
      readonly type: 'created' | 'rotated' | 'destroyed' | 'revoked'
      readonly name: string
      readonly id: string
      readonly user: string | null
    }
  | { readonly type: 'signed_in'; readonly name: string; readonly id: string; readonly user: string }
  /** A session of another system was taken over. */
  | {
      readonly type: 'moved_in'
      readonly name: string
      readonly id: string
      readonly user: string | null
      readonly system: string
    }
  /** Two requests changed the same key. The value that stands was chosen by `onConflict`. */
  | { readonly type: 'conflict'; readonly name: string; readonly id: string; readonly key: string }
  /** Edits met a session that had ended, or that somebody signed in to meanwhile; they were dropped. */
  | { readonly type: 'gone'; readonly name: string; readonly id: string }
  | { readonly type: 'rejected'; readonly name: string; readonly why: Rejection; readonly id: string | null }
  /** The store failed or was too slow. For `touch` and `sweep` nobody else is told. */
  | { readonly type: 'store_failed'; readonly name: string; readonly operation: string; readonly error: unknown }

/** Where events go. An exception from it becomes a process warning and goes no further. */
export type Listener = (event: SessionEvent) => void

/** A listener that cannot break a request. */
export function guarded(listener: Listener | undefined): Listener {
  if (listener === undefined) return () => {}
  return (event) => {
    try {
      const heard: unknown = listener(event)
      if (heard instanceof Promise) heard.catch(reportError)
    } catch (error) {
      queueMicrotask(() => reportError(error))
    }
  }
}

function reportError(error: unknown): void {
  process.emitWarning(`[coatcheck] onEvent threw: ${error instanceof Error ? error.message : 'something that is no Error'}`)
}
