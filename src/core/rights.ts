/** Who may: the right to read and to write a session is decided here, on every state a commit builds on. */
import type { Previous, State } from './body.ts'
import { graceLasts } from './lifetime.ts'
import { createComparison } from './mac.ts'

/**
 * What a secret is to a session: `current`; `previous`, the one before a rotation, while its grace lasts; `overdue`, the one
 * before, after its grace, but its successor was never seen, so the response that carried it was probably lost; `reused`, the one
 * before, although its successor is in use; or `none`.
 */
export type Standing = 'current' | 'previous' | 'overdue' | 'reused' | 'none'

/** SHA-256 as base64url. */
const same = createComparison(43)

export function standingOf(secretHash: string, state: State, nowMs: number): Standing {
  if (same(secretHash, state.secretHash)) return 'current'
  const { previous } = state
  if (previous === null) return 'none'
  const { stranded } = previous
  if (!same(secretHash, previous.secretHash) && (stranded === null || !same(secretHash, stranded))) return 'none'
  if (graceLasts(previous, nowMs)) return 'previous'
  return previous.seen ? 'reused' : 'overdue'
}

/** The same for what a client has shown. The cookie of an old application opens what is kept in step with that, and nothing else. */
export function standingOfShown(
  { secretHash, from, byOldCookie }: { readonly secretHash: string; readonly from?: string | null; readonly byOldCookie?: true },
  state: State,
  nowMs: number,
): Standing {
  // Whoever is signed in there by now may be somebody else, and then a session was made anew.
  if (from !== undefined && from !== state.from) return 'none'
  return byOldCookie === true ? 'previous' : standingOf(secretHash, state, nowMs)
}

/** The newest secret is in use: from now on the one before it obeys its grace. */
export function withSeen(state: State): State {
  const { previous } = state
  return previous === null || previous.seen ? state : { ...state, previous: { ...previous, seen: true } }
}

/** What stays of a secret at a rotation. The client is known to hold the secret it has shown; if it gets the one it never showed after all, that is as good. */
export function previousOf(secretHash: string, state: State, until: number): Previous {
  const previous = { secretHash, until, seen: false, stranded: null }
  return secretHash === state.secretHash ? previous : { ...previous, stranded: state.secretHash }
}
