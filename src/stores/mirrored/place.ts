/** What lies in either store under a session's id. */
import type { Row, SessionStore, StoredRow } from '../../core/types.ts'

/** One of the two stores. */
export interface Side {
  readonly name: 'from' | 'to'
  readonly store: SessionStore
}

export type Place =
  /** The session, as it is without a mirror: this store decides. */
  | { readonly kind: 'plain'; readonly row: Row; readonly version: string }
  /** A copy or a claim: nothing is decided here, and nobody answers it. `bytes`: of its body, which this store has kept until `expiresAt`. */
  | { readonly kind: 'copy'; readonly bytes: number; readonly expiresAt: number; readonly version: string }
  /** The session was here and has ended. Until the other store has forgotten it too, nothing may take this place. */
  | { readonly kind: 'ended'; readonly version: string }
  /** The session, on its way to the other store, where it replaces the copy of version `claim`. `was`: the version it had here. */
  | { readonly kind: 'moving'; readonly row: Row; readonly claim: string; readonly was: string | null; readonly version: string }
  /** The other store decides; what was version `was` here is version `as` there. */
  | { readonly kind: 'moved'; readonly was: string | null; readonly as: string | null; readonly version: string }

/** Begins a body that is not the session's own; then come words in JSON, a line feed, and for some the session's body. */
const mark = 'coatcheck-mirror '

export async function look({ store }: Side, id: string): Promise<Place | null> {
  const row = await store.get(id)
  return row === null ? null : placeOf(row)
}

/** Those of the ids whose session is here. */
export async function idsHere({ store }: Side, ids: readonly string[]): Promise<string[]> {
  const rows = store.getMany === undefined ? await Promise.all(ids.map((id) => store.get(id))) : await store.getMany(ids)
  const isHere = (row: StoredRow | null | undefined): boolean => row != null && ['plain', 'moving'].includes(placeOf(row).kind)
  return ids.filter((_, i) => isHere(rows[i]))
}

export function isPlain(row: StoredRow): boolean {
  return !row.body.startsWith(mark)
}

export function copyOf({ id, body, expiresAt }: Row): Row {
  return { id, body: `${mark}["copy"]\n${body}`, user: null, expiresAt }
}

export function endedOf({ id, expiresAt }: Row): Row {
  return { id, body: `${mark}["ended"]`, user: null, expiresAt }
}

export function movingOf({ id, body, user, expiresAt }: Row, claim: string, was: string | null): Row {
  return { id, body: `${mark}${JSON.stringify(['moving', claim, was])}\n${body}`, user, expiresAt }
}

export function movedOf({ id, expiresAt }: Row, was: string | null, as: string | null): Row {
  return { id, body: mark + JSON.stringify(['moved', was, as]), user: null, expiresAt }
}

function placeOf({ id, body, user, expiresAt, version }: StoredRow): Place {
  if (!body.startsWith(mark)) return { kind: 'plain', row: { id, body, user, expiresAt }, version }
  const end = body.indexOf('\n')
  const [kind, first, second] = wordsOf(body.slice(mark.length, end === -1 ? body.length : end))
  if (kind === 'moving' && typeof first === 'string' && end !== -1)
    return { kind, row: { id, body: body.slice(end + 1), user, expiresAt }, claim: first, was: textOrNull(second), version }
  if (kind === 'moved') return { kind, was: textOrNull(first), as: textOrNull(second), version }
  return kind === 'ended' ? { kind, version } : { kind: 'copy', bytes: Buffer.byteLength(body), expiresAt, version }
}

function textOrNull(word: unknown): string | null {
  return typeof word === 'string' ? word : null
}

function wordsOf(line: string): unknown[] {
  try {
    const words: unknown = JSON.parse(line)
    return Array.isArray(words) ? words : []
  } catch {
    return []
  }
}
