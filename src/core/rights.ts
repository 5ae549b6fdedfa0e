/** Who may: the right to read and to write a session is decided here, on every state a commit builds on. */
import type { State } from './body.ts'
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
  if (previous === null || !same(secretHash, previous.secretHash)) return 'none'
  if (graceLasts(previous, nowMs)) return 'previous'
  return previous.seen ? 'reused' : 'overdue'
}
