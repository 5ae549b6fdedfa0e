/** What a request did to its session, and doing it again on a newer row. */
import type { Flash, State } from './body.ts'
import { CoatcheckError } from './errors.ts'
import { valueEnded } from './lifetime.ts'
import { noTexts, type Texts } from './texts.ts'
import { encodeValue, readValue, shortKey, type ValueLimits } from './values.ts'

/** Runs again on the newest value whenever another request got in between. */
export type Updater = (value: unknown) => unknown

export type KeyChange =
  | { readonly kind: 'set'; readonly text: string; readonly until: number | null }
  | { readonly kind: 'delete' }
  | { readonly kind: 'update'; readonly runs: readonly Updater[] }

/** The edits of one request, frozen: nothing in here is shared with the handler any more. */
export interface Change {
  readonly signIn: { readonly user: string; readonly keep: boolean | readonly string[] } | null
  readonly cleared: boolean
  readonly keys: ReadonlyMap<string, KeyChange>
  readonly flashes: readonly Flash[]
  readonly flashesTaken: boolean
  /** Grace in milliseconds, or `null` for no rotation. */
  readonly rotateGraceMs: number | null
  readonly destroy: boolean
}

/** A change with nothing in it. */
export const noChange: Change = {
  signIn: null,
  cleared: false,
  keys: new Map(),
  flashes: [],
  flashesTaken: false,
  rotateGraceMs: null,
  destroy: false,
}

/** Whether replaying the change could write anything. */
export function isEmpty(change: Change): boolean {
  return (
    change.keys.size === 0 &&
    change.flashes.length === 0 &&
    change.signIn === null &&
    change.rotateGraceMs === null &&
    !(change.cleared || change.flashesTaken || change.destroy)
  )
}

/** Settles a blind `set` of a key that somebody else changed meanwhile. */
export type Merge = (key: string, mine: unknown, theirs: unknown, original: unknown) => unknown

/** What replaying needs to know besides the base and the change. */
export interface Terms {
  readonly limits: ValueLimits & { readonly keysMax: number; readonly bytesMax: number }
  readonly onConflict: 'mine' | 'throw' | Merge
  readonly conflicted: (id: string, key: string) => void
}

/**
 * The base with the change applied; the base itself when nothing differs. `opened` is what the handler saw, or `null` when it
 * looked at nothing (then nothing can conflict). Throws `conflict`, `value_invalid`, `session_too_large` or what an updater throws.
 */
export function replay(base: State, change: Change, opened: State | null, nowMs: number, terms: Terms): State {
  let state = change.signIn === null ? base : signedIn(base, change.signIn, nowMs)
  if (change.cleared && state.values.size > 0) state = { ...state, values: noTexts, until: new Map() }
  if (change.keys.size > 0) state = withKeys(state, change, opened, nowMs, terms)
  if (change.flashesTaken && state.flashes.length > 0) state = { ...state, flashes: [] }
  if (change.flashes.length > 0) state = { ...state, flashes: [...state.flashes, ...change.flashes] }
  return state
}

function signedIn(base: State, { user, keep }: NonNullable<Change['signIn']>, nowMs: number): State {
  const kept = base.user === null ? keep : base.user === user
  const values = kept === true ? base.values : base.values.filter((key) => Array.isArray(kept) && kept.includes(key))
  const flashes = kept === false ? [] : base.flashes
  // The session of the other system has an id from before, and somebody may have planted that.
  const from = base.user === user ? base.from : null
  return { ...base, user, values, until: endsOf(values, base.until), flashes, createdAt: nowMs, signedInAt: nowMs, from }
}

function withKeys(base: State, change: Change, opened: State | null, nowMs: number, terms: Terms): State {
  let { values, until } = base
  checkEdits(change.keys, base, terms.limits)
  for (const key of base.until.keys()) {
    if (!valueEnded(base, key, nowMs)) continue
    values = values.with(key, undefined)
    until = withEnd(until, key, null)
  }
  for (const [key, edit] of change.keys) {
    const theirs = values.get(key)
    // Values that are over by now are nobody's change.
    const original = opened === null ? theirs : valueEnded(opened, key, nowMs) ? undefined : opened.values.get(key)
    values = values.with(key, textAfter({ key, theirs, original, id: base.id }, edit, terms))
    if (edit.kind !== 'update') until = withEnd(until, key, edit.kind === 'set' ? edit.until : null)
  }
  checkKeys(values.size, base, terms.limits)
  until = endsOf(values, until)
  return until === base.until && values === base.values ? base : { ...base, values, until }
}

/** Refuses what is too much before it is replayed: each step copies the values. Throws `session_too_large`. */
export function checkEdits(edits: ReadonlyMap<string, { readonly kind: string }>, base: State, limits: Terms['limits']): void {
  if (edits.size <= limits.keysMax) return
  let kept = 0
  for (const { kind } of edits.values()) if (kind !== 'delete') kept++
  checkKeys(kept, base, limits)
}

/** A session that is over a limit set since may still shrink. */
function checkKeys(size: number, base: State, { keysMax }: Terms['limits']): void {
  if (size <= keysMax || size <= base.values.size) return
  throw new CoatcheckError('session_too_large', `the session would hold ${size} keys, over limits.keysMax (${keysMax})`)
}

interface Place {
  readonly id: string
  readonly key: string
  readonly theirs: string | undefined
  /** What the handler saw there. */
  readonly original: string | undefined
}

function textAfter({ id, key, theirs, original }: Place, edit: KeyChange, terms: Terms): string | undefined {
  if (edit.kind === 'update') {
    let value = readValue(theirs)
    for (const run of edit.runs) value = run(value)
    return encodeValue(key, value, terms.limits)
  }
  const mine = edit.kind === 'set' ? edit.text : undefined
  if (theirs === original || theirs === mine) return mine
  terms.conflicted(id, key)
  if (terms.onConflict === 'mine') return mine
  if (terms.onConflict === 'throw') {
    throw new CoatcheckError(
      'conflict',
      `"${shortKey(key)}" was changed by another request meanwhile; use update(key, fn), or choose another onConflict`,
    )
  }
  return encodeValue(key, terms.onConflict(key, readValue(mine), readValue(theirs), readValue(original)), terms.limits)
}

type Ends = State['until']

/** With the end of one value set, or without one; this very map when nothing differs. */
export function withEnd(ends: Ends, key: string, end: number | null | undefined): Ends {
  if ((ends.get(key) ?? null) === (end ?? null)) return ends
  const copy = new Map(ends)
  if (end === null || end === undefined) copy.delete(key)
  else copy.set(key, end)
  return copy
}

/** The ends of values that are still there; this very map when all are. */
function endsOf(values: Texts, ends: Ends): Ends {
  return [...ends.keys()].every((key) => values.has(key)) ? ends : new Map([...ends].filter(([key]) => values.has(key)))
}
