/** Rows to states and back: format, binding to the id, and expiry are judged here and nowhere else. */
import { decodeBody, encodeBody, type State } from './body.ts'
import { CoatcheckError } from './errors.ts'
import type { Guard } from './guard.ts'
import { reject, type KeeperConfig } from './keeper.ts'
import { endedBy, nextExpiry } from './lifetime.ts'
import type { Row, StoredRow } from './types.ts'

/** A live row, decoded. */
export interface Base {
  readonly state: State
  readonly expiresAt: number
  readonly version: string
}

/** Reads a live session; what is missing, foreign, damaged or over is `null` and, but for the first, an event. */
export async function loadBase(config: KeeperConfig, guard: Guard, id: string): Promise<Base | null> {
  const base = await loadStored(config, guard, id)
  if (base === null) return null
  const state = config.schema.upgrade(base.state)
  return state === base.state ? base : { ...base, state: await state }
}

/** The same, with the values as they were stored: for whoever only wants to end it, whatever release wrote it. */
export async function loadStored(config: KeeperConfig, guard: Guard, id: string): Promise<Base | null> {
  const row = await guard.get(id)
  // A row without a body is a tombstone (spill.ts).
  return !row || row.body === '' ? null : readRow(config, row, id)
}

function readRow(config: KeeperConfig, row: StoredRow, id: string): Base | null {
  const state = row.id === id && isRow(row) ? decodeBody(row.body, id, row.user) : null
  if (state === null) return reject(config, 'unreadable', id)
  const ended = endedBy(state, row.expiresAt, config.clock(), config.lifetime)
  return ended === null ? { state, expiresAt: row.expiresAt, version: row.version } : reject(config, ended, id)
}

function isRow({ body, user, expiresAt }: StoredRow): boolean {
  return typeof body === 'string' && Number.isFinite(expiresAt) && (user === null || typeof user === 'string')
}

/** The row of a state used now. Throws `session_too_large`. */
export function rowOf(config: KeeperConfig, state: State): Row {
  const body = encodeBody(state)
  const { bytesMax } = config.terms.limits
  // A UTF-16 unit is at most three bytes of UTF-8, so most bodies need no counting.
  if (body.length * 3 > bytesMax && Buffer.byteLength(body) > bytesMax) {
    throw new CoatcheckError(
      'session_too_large',
      `the session would take ${Buffer.byteLength(body)} bytes, over limits.bytesMax (${bytesMax})`,
    )
  }
  return { id: state.id, body, user: state.user, expiresAt: nextExpiry(state.createdAt, config.clock(), config.lifetime) }
}
