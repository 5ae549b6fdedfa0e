/**
 * The body of a row: JSON Lines. The first line is the envelope, then comes one line for each key, in the envelope's order:
 *
 *     {"v":1,"id":"…","secret":"…","created":1700000000000,"keys":["cart","name"]}
 *     {"items":[1,2]}
 *     "Ada"
 *
 * A line a handler does not ask for is never decoded, and a line nobody changed is written back as it was.
 * Optional envelope members: signedIn, previous, flashes, until, schema, from. docs/format.md has all of it with test vectors.
 */

import { readKeys, writeKeys } from './key-sets.ts'
import { noTexts, Texts } from './texts.ts'

/** A message kept until it is shown once. */
export interface Flash {
  readonly message: string
  readonly level: string
}

/** The secret before the last rotation. It opens the session until `until`, and longer while nobody has used the new one. */
export interface Previous {
  readonly secretHash: string
  readonly until: number
  readonly seen: boolean
  /** The secret that was on its way when this one came back and was renewed; worth the same. */
  readonly stranded: string | null
}

/** What a body says. Immutable: an edit makes a new one. */
export interface State {
  readonly id: string
  readonly user: string | null
  readonly secretHash: string
  readonly previous: Previous | null
  /** Where the absolute timeout counts from: creation or the last sign-in. Unix milliseconds. */
  readonly createdAt: number
  readonly signedInAt: number | null
  readonly schemaVersion: number
  readonly flashes: readonly Flash[]
  /** Each value as its line of JSON. */
  readonly values: Texts
  /** When a value ends before its session does. Unix milliseconds. */
  readonly until: ReadonlyMap<string, number>
  /** Which session of another system it is kept in step with, sealed (http/ties.ts); `null`: none. */
  readonly from: string | null
}

const noUntil: ReadonlyMap<string, number> = new Map()
const noFlashes: readonly Flash[] = []

/** The state of a session nobody has stored into. */
export function emptyState(nowMs: number, schemaVersion: number): State {
  return {
    id: '',
    user: null,
    secretHash: '',
    previous: null,
    createdAt: nowMs,
    signedInAt: null,
    schemaVersion,
    flashes: noFlashes,
    values: noTexts,
    until: noUntil,
    from: null,
  }
}

/** Writes a body. The owner is not in it: it is a column of the row. */
export function encodeBody(state: State): string {
  const { id, secretHash, createdAt, signedInAt, previous, flashes, schemaVersion, until, from, values } = state
  // Ids and hashes are url-safe: nothing in them needs escaping, and a template costs half of stringifying an object.
  let envelope = `{"v":1,"id":"${id}","secret":"${secretHash}","created":${createdAt}`
  if (signedInAt !== null) envelope += `,"signedIn":${signedInAt}`
  if (previous !== null)
    envelope += `,"previous":${JSON.stringify([previous.secretHash, previous.until, previous.seen, ...(previous.stranded === null ? [] : [previous.stranded])])}`
  if (flashes.length > 0) envelope += `,"flashes":${JSON.stringify(flashes.map(({ message, level }) => [message, level]))}`
  if (schemaVersion !== 0) envelope += `,"schema":${schemaVersion}`
  if (until.size > 0) envelope += `,"until":${JSON.stringify([...until])}`
  if (from !== null) envelope += `,"from":"${from}"`
  envelope += `,"keys":${writeKeys(values.keys)}}`
  return values.size === 0 ? envelope : `${envelope}\n${values.lines.join('\n')}`
}

/** Reads a body; `null` when it is not one of ours, or is another session's. Value lines are checked when they are decoded. */
export function decodeBody(body: string, id: string, user: string | null): State | null {
  const lines = body.split('\n')
  const envelope = lines.shift() ?? ''
  try {
    const found = readPlain(envelope, id, user) ?? readEnvelope(envelope, id, user)
    return found === null || found.keys.length !== lines.length ? null : { ...found.head, values: new Texts(found.keys, lines) }
  } catch {
    return null
  }
}

interface Envelope {
  readonly head: Omit<State, 'values'>
  readonly keys: readonly string[]
}

/**
 * An envelope without optional members, as `encodeBody` writes it and as most sessions have it: cut instead of parsed, at a third of
 * the cost. `null` for every other.
 */
function readPlain(envelope: string, id: string, user: string | null): Envelope | null {
  const start = `{"v":1,"id":"${id}","secret":"`
  const secretEnd = envelope.indexOf('"', start.length)
  const keysAt = envelope.indexOf(',"keys":[', secretEnd)
  const created = envelope.slice(secretEnd + 12, keysAt)
  const createdAt = Number(created)
  if (!envelope.startsWith(start) || !envelope.startsWith('","created":', secretEnd) || String(createdAt) !== created) return null
  const secretHash = envelope.slice(start.length, secretEnd)
  if (secretHash.includes('\\') || !envelope.endsWith(']}')) return null
  const keys = readKeys(envelope.slice(keysAt + 8, -1))
  if (keys === null) return null
  const head = { ...nothing, id, user, secretHash, createdAt }
  return { head, keys }
}

const nothing = { previous: null, signedInAt: null, schemaVersion: 0, flashes: noFlashes, until: noUntil, from: null }

function readEnvelope(text: string, id: string, user: string | null): Envelope | null {
  const envelope: unknown = JSON.parse(text)
  if (typeof envelope !== 'object' || envelope === null) return null
  const { v, id: boundTo, secret, created, keys } = envelope as Record<string, unknown>
  if (v !== 1 || boundTo !== id || typeof secret !== 'string' || typeof created !== 'number' || !Array.isArray(keys)) return null
  if (!keys.every((key) => typeof key === 'string')) return null
  // What may be absent must not come from a polluted Object.prototype: `previous` opens sessions.
  const own = (member: string): unknown => (Object.hasOwn(envelope, member) ? (envelope as Record<string, unknown>)[member] : undefined)
  const [signedIn, previous, flashes, schema, until] = [own('signedIn'), own('previous'), own('flashes'), own('schema'), own('until')]
  const from = own('from')
  const head = {
    id,
    user,
    secretHash: secret,
    previous: previous === undefined ? null : readPrevious(previous),
    createdAt: created,
    signedInAt: typeof signedIn === 'number' ? signedIn : null,
    schemaVersion: typeof schema === 'number' ? schema : 0,
    flashes: flashes === undefined ? noFlashes : readFlashes(flashes),
    until: until === undefined ? noUntil : readUntil(until),
    // It is written back as it stands.
    from: typeof from === 'string' && /^[\w-]+$/.test(from) ? from : null,
  }
  return { head, keys }
}

function readPrevious(value: unknown): Previous | null {
  if (!Array.isArray(value)) return null
  const [secretHash, until, seen, stranded] = value as unknown[]
  if (typeof secretHash !== 'string' || typeof until !== 'number') return null
  return { secretHash, until, seen: seen === true, stranded: typeof stranded === 'string' ? stranded : null }
}

function readFlashes(value: unknown): readonly Flash[] {
  if (!Array.isArray(value)) return noFlashes
  return value.flatMap((flash: unknown) => {
    const [message, level] = Array.isArray(flash) ? (flash as unknown[]) : []
    return typeof message === 'string' && typeof level === 'string' ? [{ message, level }] : []
  })
}

function readUntil(value: unknown): ReadonlyMap<string, number> {
  const until = new Map<string, number>()
  for (const pair of Array.isArray(value) ? value : []) {
    const [key, at] = Array.isArray(pair) ? (pair as unknown[]) : []
    if (typeof key === 'string' && typeof at === 'number') until.set(key, at)
  }
  return until
}
