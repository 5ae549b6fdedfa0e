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

/** At once where the store need not wait: then every promise on the way would only cost time. */
export type Loading = Base | null | Promise<Base | null>

/** Reads a live session; what is missing, foreign, damaged or over is `null` and, but for the first, an event. */
export function loadBase(config: KeeperConfig, guard: Guard, id: string): Loading {
  const loading = loadStored(config, guard, id)
  return loading instanceof Promise ? loading.then((base) => upToDate(config, base)) : upToDate(config, loading)
}

/** The same of a row that was read before. */
export function baseOf(config: KeeperConfig, row: StoredRow | null, id: string): Loading {
  return upToDate(config, readLive(config, row, id))
}

/** As `loadBase`, with the values as they were stored: for whoever only wants to end it, whatever release wrote it. */
export function loadStored(config: KeeperConfig, guard: Guard, id: string): Loading {
  const row = guard.get(id)
  return row instanceof Promise ? row.then((late) => readLive(config, late, id)) : readLive(config, row, id)
}

/** One that may be over, by the clock and the lifetimes of this process: those of others may differ, and an end is one for all of them. */
export async function loadAny(config: KeeperConfig, guard: Guard, id: string): Promise<(Base & { readonly over: boolean }) | null> {
  const base = readRow(config, await guard.get(id), id)
  return base === null ? null : { ...base, over: whyOver(config, base) !== null }
}

function upToDate(config: KeeperConfig, base: Base | null): Loading {
  if (base === null) return null
  const state = config.schema.upgrade(base.state)
  if (state instanceof Promise) return state.then((upgraded) => ({ ...base, state: upgraded }))
  return state === base.state ? base : { ...base, state }
}

function readLive(config: KeeperConfig, row: StoredRow | null, id: string): Base | null {
  const base = readRow(config, row, id)
  const why = base === null ? null : whyOver(config, base)
  return why === null ? base : reject(config, why, id)
}

function readRow(config: KeeperConfig, row: StoredRow | null, id: string): Base | null {
  // A row without a body is a tombstone (spill.ts).
  if (!row || row.body === '') return null
  const state = row.id === id && isRow(row) ? decodeBody(row.body, id, row.user) : null
  return state === null ? reject(config, 'unreadable', id) : { state, expiresAt: row.expiresAt, version: row.version }
}

function whyOver({ clock, lifetime }: KeeperConfig, { state, expiresAt }: Base): ReturnType<typeof endedBy> {
  return endedBy(state, expiresAt, clock(), lifetime)
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
